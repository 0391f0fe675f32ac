"""Stand-ins for evaluators and clouds that train, and the messages of the contract checks."""

import numpy as np
from flwr.app import Message, RecordDict

from fog_flower.tasks.classification import ClassScores
from fog_flower.tasks.scores import Directions, Scores, Sloped
from simulations.contract.replies import WEIGHTS, FakeGrid, answer, failure, identify, node_id
from strategies.updates import own_update

__all__ = ["WEIGHTS", "FakeGrid", "answer", "asked", "failure", "node_id"]

identify()


def asked(fog_nodes: int, content: RecordDict | None = None) -> list[Message]:
    return [
        Message(content or RecordDict(), node_id(fog_node), "train")
        for fog_node in range(fog_nodes)
    ]


class DistanceEvaluator:
    """An evaluator whose loss is the L1 distance to a target, which can be computed by hand."""

    def __init__(self, target, size: int = 100) -> None:
        self.target, self.size, self.calls = target, size, []

    def __len__(self) -> int:
        return self.size

    def score(self, weights, indices=None) -> Scores:
        count = self.size if indices is None else len(indices)
        self.calls.append(count)
        loss = sum(float(np.abs(w - t).sum()) for w, t in zip(weights, self.target, strict=True))
        return constant_scores(loss, count)

    def groups(self, indices):
        return np.zeros(len(indices), np.int64)

    def slope(self, weights, indices, importance=None, sharpness=1.0):
        loss = sum(float(np.abs(w - t).sum()) for w, t in zip(weights, self.target, strict=True))
        slopes = [np.sign(w - t) for w, t in zip(weights, self.target, strict=True)]
        return Sloped(np.full(len(indices), loss), slopes, 0.0, self.score(weights, indices))

    def steps(self, weights, indices, learning_rate, batch):
        there = self.slope(weights, indices)
        after = [
            w - learning_rate * slope for w, slope in zip(weights, there.gradient, strict=True)
        ]
        losses = [there.losses.mean(), self.slope(after, indices).losses.mean()]
        return float(losses[0]), float(max(losses))


def constant_scores(loss: float, count: int = 10) -> Scores:
    """Return scores in which each example has this loss."""
    other = np.log(max(-np.expm1(-loss), 1e-7)) if np.isfinite(loss) else loss
    row = np.array([-loss, other], np.float64)
    return ClassScores(np.tile(row, (count, 1)), np.zeros(count, np.int64))


class OwnStep:
    """A cloud whose own training step agrees with the updates of the tests."""

    def directions(self, weights, server_round) -> Directions:
        step = [np.full((2, 2), 0.1, np.float32), np.full(2, -0.2, np.float32)]
        by_class = [[np.eye(1, w.size, k).reshape(w.shape) for w in weights] for k in range(2)]
        return Directions(step, step, [[a.astype(np.float32) for a in one] for one in by_class])


class OwnUpdate:
    """A cloud that trains its own update, in addition to those of the fog nodes."""

    def __len__(self) -> int:
        return 10

    def update(self, weights, server_round):
        step = [np.full((2, 2), 0.1, np.float32), np.full(2, -0.2, np.float32)]
        return own_update(step, len(self), 1.0)
