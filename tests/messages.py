"""Flower messages for tests, without Flower's processes."""

import numpy as np
from flwr.app import ConfigRecord, Error, Message, MetricRecord, RecordDict
from flwr.common.constant import ErrorCode
from flwr.supercore.task_identity import TaskIdentity

from fog_flower.evaluation import Evaluation
from fog_flower.weights import to_record

TaskIdentity.task_id, TaskIdentity.run_id, TaskIdentity.node_id = 1, 1, 1

WEIGHTS = [np.array([[1.0, 2.0], [3.0, 4.0]], np.float32), np.array([0.5, -0.5], np.float32)]


def node_id(fog_node: int) -> int:
    return 1000 + fog_node


def asked(fog_nodes: int, content: RecordDict | None = None) -> list[Message]:
    return [
        Message(content or RecordDict(), node_id(fog_node), "train")
        for fog_node in range(fog_nodes)
    ]


def answer(question: Message, delta, fog_node: int, examples: int = 10, **metrics) -> Message:
    numbers = {"num-examples": examples, "partition-id": fog_node, "loss": 1.0, "accuracy": 0.5}
    content = RecordDict(
        {
            "arrays": to_record(delta),
            "metrics": MetricRecord({**numbers, "seconds": 0.1, **metrics}),
            "node": ConfigRecord({"code": "x"}),
        }
    )
    return Message(content, reply_to=question)


def failure(question: Message, reason: str = "boom") -> Message:
    error = Error(ErrorCode.CLIENT_APP_RAISED_EXCEPTION, reason)
    return Message(error, reply_to=question)


class FakeGrid:
    """Knows its nodes; nothing else is asked of it in configure_train."""

    def __init__(self, fog_nodes: int) -> None:
        self._ids = [node_id(n) for n in range(fog_nodes)]

    def get_node_ids(self):
        return self._ids


class DistanceEvaluator:
    """Loss is the distance to a target: a convex problem that can be computed by hand."""

    def __init__(self, target, size: int = 100) -> None:
        self.target, self.size, self.calls = target, size, []

    def __len__(self) -> int:
        return self.size

    def evaluate(self, weights, indices=None) -> Evaluation:
        self.calls.append(self.size if indices is None else len(indices))
        loss = sum(float(np.abs(w - t).sum()) for w, t in zip(weights, self.target, strict=True))
        return Evaluation(loss, 1.0 / (1.0 + loss))
