"""Flower messages without Flower's processes: messages to fog nodes, and their replies."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
from flwr.app import ConfigRecord, Context, Error, Message, MetricRecord, RecordDict
from flwr.common.constant import ErrorCode

# Private: a Message cannot be built without it (see simulations/engines/inline_grid.py).
from flwr.supercore.task_identity import TaskIdentity

from fog_flower.code_identity import code_identity
from fog_flower.config import RunConfig
from fog_flower.messages import ARRAYS, METRICS, NODE
from fog_flower.simulated import SIMULATED
from fog_flower.weights import Weights, step_dtype, to_record

WEIGHTS = [np.array([[1.0, 2.0], [3.0, 4.0]], np.float32), np.array([0.5, -0.5], np.float32)]
STEP = [np.full((2, 2), 0.1, np.float32), np.full(2, -0.2, np.float32)]  # a dW of WEIGHTS
FIRST_NODE_ID = 1000
SCALE = 0.01  # of a made-up dW: times a standard normal number


def node_id(fog_node: int) -> int:
    """Return Flower's node id of a fog node."""
    return FIRST_NODE_ID + fog_node


def identify() -> None:
    """Set the task identity of this process, which Flower needs to build a message."""
    TaskIdentity.task_id, TaskIdentity.run_id, TaskIdentity.node_id = 1, 1, 1


def made_up_step(weights: Sequence[np.ndarray], rng: np.random.Generator) -> Weights:
    """Return a small random dW, about as large as that of a round of training."""
    return [
        (SCALE * rng.standard_normal(array.shape)).astype(step_dtype(array.dtype))
        for array in weights
    ]


def answer(
    question: Message,
    delta: Sequence[np.ndarray],
    fog_node: Any,
    examples: Any = 10,
    **metrics: Any,
) -> Message:
    """Return a fog node's reply with this dW."""
    numbers = {"num-examples": examples, "partition-id": fog_node, "loss": 1.0, "accuracy": 0.5}
    content = RecordDict(
        {
            ARRAYS: to_record(delta),
            METRICS: MetricRecord({**numbers, "seconds": 0.1, **metrics}),
            NODE: ConfigRecord({"code": code_identity()}),
        }
    )
    return Message(content, reply_to=question)


def failure(question: Message, reason: str = "boom") -> Message:
    """Return the reply of a fog node that raised."""
    error = Error(ErrorCode.CLIENT_APP_RAISED_EXCEPTION, reason)
    return Message(error, reply_to=question)


class FakeGrid:
    """A grid that only knows its nodes, which is enough for ``configure_train``."""

    def __init__(self, fog_nodes: int) -> None:
        self._ids = [node_id(number) for number in range(fog_nodes)]

    def get_node_ids(self) -> Iterable[int]:
        """Return all node ids."""
        return self._ids


def context_of(config: RunConfig, fog_node: int) -> Context:
    """Return the context of a fog node's ClientApp."""
    place: dict[str, Any] = {
        "partition-id": fog_node,
        "num-partitions": config.fog_nodes,
        SIMULATED: True,
    }
    return Context(1, node_id(fog_node), place, RecordDict(), config.to_run_config())
