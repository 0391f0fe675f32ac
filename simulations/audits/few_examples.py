"""Fog nodes with few examples, protected by the noise of the run's own nodes."""

import numpy as np

from clients.fog_node import NodeData
from clients.local_training import examples_of
from clients.privacy.fog_protection import private_training
from fog_flower.config import RunConfig
from fog_flower.data.field import Field
from fog_flower.errors import UserError
from fog_flower.tasks.examples import Examples, Indices


def with_noise_of_run(config: RunConfig, field: Field) -> RunConfig:
    """Return the configuration with the noise of DP-SGD fixed to that of the run's fog node 0.

    The noise otherwise depends on a node's number of examples, and a node with few examples would
    add much more.
    """
    mechanism = private_training(config.fog_protection)
    if mechanism is None:
        return config
    noise = mechanism.noise_for(config, examples_of(field, config, 0))
    first, *others = config.fog_protection  # the training mechanism comes first
    fixed = (
        f"{first.partition('(')[0]}(delta={mechanism.delta!r},clip={mechanism.clip!r},"
        f"noise={noise!r})".replace("=inf", "=1e999")
    )
    return config.changed({"fog-protection": ",".join([fixed, *others])})


def node_of(examples: Examples) -> NodeData:
    """Return the data of a fog node that received these examples from one end node."""
    return NodeData(examples.inputs, examples.targets, (len(examples.targets),), 0, ())


def dealt(config: RunConfig, field: Field, rng: np.random.Generator, *counts: int) -> list[Indices]:
    """Return disjoint random index arrays into the training examples, one for each of ``counts``.

    Raises
    ------
    UserError
        If there are too few training examples.
    """
    if sum(counts) > len(field.train):
        raise UserError(
            f"train-examples={config.train_examples}: this audit needs {sum(counts)}; use more, or "
            "leave it out with --only"
        )
    order = rng.permutation(len(field.train))[: sum(counts)]
    return list(np.split(order, np.cumsum(counts)[:-1]))
