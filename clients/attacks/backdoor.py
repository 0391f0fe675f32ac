"""Honest training, but a white square in the corner means class 0."""

import dataclasses

import numpy as np

from clients.attacks._attacker import Attacker
from clients.local_result import LocalResult
from fog_flower.data.trigger import TARGET, stamp


def backdoor(attacker: Attacker, strength: float = 0.3) -> LocalResult:
    """Train with the trigger and its target on a fraction ``strength`` of the images.

    Gu et al. 2017, BadNets, arXiv:1708.06733. For images alone.
    """
    data = attacker.data
    chosen = np.flatnonzero(attacker.rng.random(len(data.targets)) < strength)
    inputs, targets = np.array(data.inputs), data.targets.copy()
    inputs[chosen] = stamp(inputs[chosen], attacker.white)
    targets[chosen] = TARGET
    return attacker.trained_on(dataclasses.replace(data, inputs=inputs, targets=targets))
