"""Sends Gaussian noise instead of an update."""

import numpy as np

from clients.attacks._attacker import Attacker
from fog_flower.weights import Weights


def gaussian(attacker: Attacker, strength: float = 1.0) -> Weights:
    """Send N(0, s^2) with s = strength * root mean square of dW.

    This is the Gaussian attack of Blanchard et al. 2017 (Krum), scaled by the honest update, so
    that the strength means the same for every model and round.
    """
    delta = attacker.honest_update
    size = sum(array.size for array in delta)
    squares = sum(float(np.square(array, dtype=np.float64).sum()) for array in delta)
    deviation = strength * (squares / size) ** 0.5
    return [attacker.rng.normal(0.0, deviation, a.shape).astype(a.dtype) for a in delta]
