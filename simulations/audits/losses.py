"""The loss of each example under given weights."""

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
    """Return each example's loss [n] under ``weights``, which the model has afterwards."""
    load_weights(model, weights)
    parts = []
    for first in range(0, len(examples.targets), AT_ONCE):
        some = slice(first, first + AT_ONCE)
        answers = model(examples.inputs[some], training=False)
        parts.append(task.losses(examples.targets[some], answers).numpy())
    return np.concatenate(parts).astype(np.float64)
