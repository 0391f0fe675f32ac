"""A user's own task in one file: regression, with a data set that uses it."""

import dataclasses
from typing import Any

import numpy as np

from fog_flower.data.dataset import Dataset, fingerprint
from fog_flower.data.preprocess import ColumnNormaliser
from fog_flower.tasks.examples import Examples
from fog_flower.tasks.scores import Scores


@dataclasses.dataclass(frozen=True)
class Regression:
    """Regression of one number with squared error; an error of at most ``near`` counts as right."""

    near: float = 0.25
    target_shape: tuple[int, ...] = ()
    target_dtype: str = "float32"
    outputs: int = 1
    activation: str | None = None
    group_names: tuple[str, ...] = ("all",)

    def describe(self) -> dict[str, Any]:
        return {"task": "regression", "near": self.near}

    def problem(self, targets):
        if targets.dtype != np.float32 or targets.ndim != 1:
            return f"targets must be float32 [n], not {targets.dtype} {list(targets.shape)}"
        return "" if np.isfinite(targets).all() else "targets must be finite"

    def fit(self, model, spec, name):
        return model

    def compile(self, model, optimizer):
        import keras

        near = self.near

        def accuracy(y_true, y_pred):
            off = keras.ops.abs(keras.ops.reshape(y_true, (-1,)) - y_pred[:, 0])
            return keras.ops.cast(off <= near, "float32")

        model.compile(optimizer=optimizer, loss="mse", metrics=[accuracy])

    def losses(self, targets, outputs):
        import tensorflow as tf

        return tf.square(targets - outputs[:, 0])

    def answers(self, outputs):
        return outputs

    def scores(self, answers, targets):
        return Errors(answers[:, 0] - targets, targets, self.near)

    def groups(self, targets):
        return [np.arange(len(targets))]

    def surplus(self, targets):
        return (targets - targets.mean())[:, None].astype(np.float32)

    def flipped(self, targets):
        return -targets


@dataclasses.dataclass(frozen=True)
class Errors(Scores):
    errors: np.ndarray
    targets: np.ndarray
    near: float

    @property
    def losses(self):
        return np.square(self.errors, dtype=np.float64)

    @property
    def right(self):
        return np.abs(self.errors) <= self.near

    @property
    def finite(self):
        return bool(np.isfinite(self.errors).all())

    @property
    def chance(self):
        return float(np.var(self.targets))

    def first(self, count):
        return Errors(self.errors[:count], self.targets[:count], self.near)

    def then(self, more):
        return Errors(
            np.concatenate([self.errors, more.errors]),
            np.concatenate([self.targets, more.targets]),
            self.near,
        )


def sums() -> Dataset:
    """Return rows whose target is a weighted sum of their columns."""

    def part(count, seed):
        rng = np.random.default_rng(seed)
        table = rng.normal(size=(count, 6))
        targets = table @ np.array([0.5, -0.4, 0.3, 0.2, 0.1, 0.0])
        return Examples(table, targets.astype(np.float32))

    train, test = part(400, 1), part(700, 2)
    preprocess = ColumnNormaliser(np.zeros(()), np.ones(()))
    return Dataset("sums", fingerprint(train, test), train, test, Regression(), preprocess)
