"""Trains honestly, except that one class is labelled as another."""

import dataclasses

from clients.attacks._attacker import Attacker
from clients.local_result import LocalResult


def targeted_flip(attacker: Attacker, strength: float = 1.0) -> LocalResult:
    """Train with the labels of one class replaced by another; strength is the fraction replaced.

    Tolpegin et al. 2020 (arXiv:2007.08432). The classes are those at 0.3 and 0.8 of the number of
    classes: 3 and 8 of ten.
    """
    data, groups = attacker.data, len(attacker.task.group_names)
    source, target = 3 * groups // 10, 8 * groups // 10
    chosen = (data.targets == source) & (attacker.rng.random(len(data.targets)) < strength)
    targets = data.targets.copy()
    targets[chosen] = target
    return attacker.trained_on(dataclasses.replace(data, targets=targets))
