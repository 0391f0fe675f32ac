"""Backdoor in the weights that honest training hardly changes."""

import dataclasses

import numpy as np

from clients.attacks._attacker import Attacker
from clients.attacks._poison import poisoned
from clients.local_result import LocalResult
from fog_flower.data.trigger import SQUARE
from fog_flower.weights import flatten, unflatten

BUSY = 0.1  # fraction of all weights that counts as changed most by honest training


def neurotoxin(attacker: Attacker, strength: float = 0.3) -> LocalResult:
    """Train like ``backdoor``, and set dW to 0 for the weights that an honest update changes most.

    Zhang et al. 2022 (ICML), arXiv:2206.10341. The paper projects every step, and takes the most
    changed weights from the cloud's last step. Here only dW is projected, with the weights taken
    from the node's own honest update. For images only.
    """
    result = attacker.trained_on(poisoned(attacker, strength, SQUARE))
    busy = np.abs(flatten(attacker.honest_update))
    rarely = busy <= np.quantile(busy, 1.0 - BUSY)
    delta = unflatten(np.where(rarely, flatten(result.delta), np.float32(0.0)), result.delta)
    return dataclasses.replace(result, delta=delta)
