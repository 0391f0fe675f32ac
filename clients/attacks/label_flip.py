"""Trains honestly on flipped labels."""

import dataclasses

from clients.attacks._attacker import Attacker
from clients.fog_node import NodeData
from clients.local_result import LocalResult


def label_flip(attacker: Attacker, strength: float = 1.0) -> LocalResult:
    """Train on labels 9 - y (for ten classes); strength is the fraction flipped.

    As in Tolpegin et al. 2020 (arXiv:2007.08432) and Fang et al. 2020 (arXiv:1911.11815).
    """
    return attacker.trained_on(flipped(attacker, strength))


def flipped(attacker: Attacker, fraction: float) -> NodeData:
    """Return the attacker's data with the task's flipped targets on a random fraction of it."""
    data = attacker.data
    chosen = attacker.rng.random(len(data.targets)) < fraction
    targets = data.targets.copy()
    targets[chosen] = attacker.task.flipped(data.targets[chosen])
    return dataclasses.replace(data, targets=targets)
