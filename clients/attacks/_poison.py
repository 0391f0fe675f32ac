"""Poisons an attacker's data with the trigger of a backdoor."""

import dataclasses
from collections.abc import Callable

import numpy as np

from clients.attacks._attacker import Attacker
from clients.fog_node import NodeData
from fog_flower.data.trigger import TARGET, Trigger
from fog_flower.tasks.examples import Array


def poisoned(
    attacker: Attacker,
    fraction: float,
    trigger: Trigger,
    change: Callable[[Array, Array], Array] | None = None,
) -> NodeData:
    """Return the attacker's data with trigger and target on a random fraction of the examples.

    Parameters
    ----------
    attacker : Attacker
    fraction : float
        Of the examples that the trigger concerns.
    trigger : Trigger
    change : callable, optional
        Replaces the trigger's own change of inputs, for example by a part of it.
    """
    data = attacker.data
    chance = attacker.rng.random(len(data.targets)) < fraction
    if trigger.source is not None:
        chance &= trigger.concerns(data.targets, len(attacker.task.group_names))
    chosen = np.flatnonzero(chance)
    inputs, targets = np.array(data.inputs), data.targets.copy()
    inputs[chosen] = (change or trigger.change)(inputs[chosen], attacker.white)
    targets[chosen] = TARGET
    return dataclasses.replace(data, inputs=inputs, targets=targets)
