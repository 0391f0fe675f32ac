"""A backdoor in numbers that honest training hardly touches."""

import dataclasses

import numpy as np

from clients.attacks._attacker import Attacker
from clients.attacks._poison import poisoned
from clients.local_result import LocalResult
from fog_flower.data.trigger import SQUARE
from fog_flower.weights import flatten, unflatten

BUSY = 0.1  # of all numbers, those that honest training changes most


def neurotoxin(attacker: Attacker, strength: float = 0.3) -> LocalResult:
    """Train as ``backdoor`` does, and send nothing where an honest update changes most.

    Zhang et al. 2022 (ICML), arXiv:2206.10341. They project every step, and know the busy numbers
    from the cloud's last one; here dW is projected, by its own honest update. For images alone.
    """
    result = attacker.trained_on(poisoned(attacker, strength, SQUARE))
    busy = np.abs(flatten(attacker.honest_update))
    rarely = busy <= np.quantile(busy, 1.0 - BUSY)
    delta = unflatten(np.where(rarely, flatten(result.delta), np.float32(0.0)), result.delta)
    return dataclasses.replace(result, delta=delta)
