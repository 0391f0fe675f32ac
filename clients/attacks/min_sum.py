"""As far from all others, in sum, as the outermost honest update."""

import numpy as np
import numpy.typing as npt

from clients.attacks._attacker import Attacker
from clients.attacks._far_as_peers import furthest
from fog_flower.weights import Weights, squared_distances


def min_sum(attacker: Attacker) -> Weights:
    """Send mean - gamma * std with sum_i |m - x_i|^2 <= max_i sum_j |x_i - x_j|^2.

    Shejwalkar & Houmansadr 2021 (NDSS), equation 5, with the largest gamma; x_i are the honest
    updates of all nodes.
    """
    honest = attacker.all_updates()
    return furthest(honest, _inside)


def _inside(rows: npt.NDArray[np.float64], candidate: npt.NDArray[np.float64]) -> bool:
    allowed = squared_distances(rows).sum(axis=1).max()
    return bool(np.square(rows - candidate).sum() <= allowed)
