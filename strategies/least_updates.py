"""The fewest updates for which the authors of a robust rule prove anything; without Flower."""

from collections.abc import Callable, Mapping

# Class of Flower's -> from the number of malicious ones.
LEAST_UPDATES: Mapping[str, Callable[[int], int]] = {
    "Bulyan": lambda f: 4 * f + 3,  # Mhamdi et al. 2018, arXiv:1802.07927
    "MultiKrum": lambda f: 2 * f + 3,  # Blanchard et al. 2017, arXiv:1703.02757
    "Krum": lambda f: 2 * f + 3,
}
