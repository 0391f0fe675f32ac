"""Disguised free rider: repeats the cloud's last step with noise, without training."""

import numpy as np

from clients.attacks._attacker import Attacker
from fog_flower.weights import Weights, subtract


def free_rider(attacker: Attacker, strength: float = 1.0) -> Weights:
    """Send W - W of the previous round + N(0, s^2), s = strength * root mean square of that step.

    The disguised free-rider of Fraboni et al. 2021 (arXiv:2006.11901). If there is no last step, as
    in round 1, it sends noise with s = 0.001.
    """
    last = attacker.shared("last-step", lambda: _last_step(attacker))
    attacker.shared("weights", lambda: attacker.weights)  # for the next round
    size = sum(array.size for array in last)
    squares = sum(float(np.square(array, dtype=np.float64).sum()) for array in last)
    deviation = strength * (squares / size) ** 0.5 or 1e-3
    return [
        (array + attacker.rng.normal(0.0, deviation, array.shape)).astype(array.dtype)
        for array in last
    ]


def _last_step(attacker: Attacker) -> Weights:
    before = attacker.shared_before("weights")
    if before is None:
        return [np.zeros_like(array) for array in attacker.honest_update]
    return subtract(attacker.weights, before)
