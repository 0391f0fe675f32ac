"""As far out as the two honest updates that are furthest apart."""

import numpy as np
import numpy.typing as npt

from clients.attacks._attacker import Attacker
from clients.attacks._far_as_peers import furthest
from fog_flower.weights import Weights, squared_distances


def min_max(attacker: Attacker) -> Weights:
    """Send mean - gamma * std with max_i |m - x_i| <= max_ij |x_i - x_j| and the largest gamma.

    Shejwalkar & Houmansadr 2021 (NDSS), equation 4; x_i are the honest updates of all nodes.
    """
    honest = attacker.all_updates()
    return furthest(honest, _inside)


def _inside(rows: npt.NDArray[np.float64], candidate: npt.NDArray[np.float64]) -> bool:
    allowed = squared_distances(rows).max()
    return bool(np.square(rows - candidate).sum(axis=1).max() <= allowed)
