"""Loss of each example under given weights."""

from collections.abc import Iterator

import keras
import numpy as np
import numpy.typing as npt

from fog_flower.keras_weights import load_weights
from fog_flower.tasks.examples import Examples
from fog_flower.tasks.task import Task
from fog_flower.weights import Weights

AT_ONCE = 500  # examples


def losses_of(
    model: keras.Model, weights: Weights, task: Task, examples: Examples
) -> npt.NDArray[np.float64]:
    """Return each example's loss [n] under ``weights``, and leave these in the model."""
    load_weights(model, weights)
    parts = [
        task.losses(some.targets, model(some.inputs, training=False)).numpy()
        for some in in_parts(examples, AT_ONCE)
    ]
    return np.concatenate(parts).astype(np.float64)


def in_parts(examples: Examples, at_once: int) -> Iterator[Examples]:
    """Yield the examples in order, at most ``at_once`` at a time, to bound memory."""
    for first in range(0, len(examples.targets), at_once):
        some = slice(first, first + at_once)
        yield Examples(examples.inputs[some], examples.targets[some])
