"""The smallest number of updates for which a robust rule has a proof. Does not import Flower."""

from collections.abc import Callable, Mapping

# Name of a Flower strategy -> function of the number of malicious nodes.
LEAST_UPDATES: Mapping[str, Callable[[int], int]] = {
    "Bulyan": lambda f: 4 * f + 3,  # Mhamdi et al. 2018, arXiv:1802.07927
    "MultiKrum": lambda f: 2 * f + 3,  # Blanchard et al. 2017, arXiv:1703.02757
    "Krum": lambda f: 2 * f + 3,
}
