"""Data of an attacker's own with a backdoor's trigger on some of it."""

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
    """Return its data with the trigger, and its target, on a fraction of what it concerns.

    Parameters
    ----------
    attacker : Attacker
    fraction : float
    trigger : Trigger
    change : callable, optional
        In place of the trigger's own change: a part of it.
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
