"""Reads and sets a Keras model's weights without Keras' checks, which take ten times as long."""

from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from fog_flower.weights import Weights


def load_weights(model: keras.Model, weights: Sequence[np.ndarray]) -> None:
    """Set a model's weights, in the order of ``get_weights``."""
    for variable, weight in zip(model.weights, weights, strict=True):
        tf.raw_ops.AssignVariableOp(
            resource=variable.value.handle, value=weight, validate_shape=True
        )


def weights_of(model: keras.Model) -> Weights:
    """Return copies of a model's weights, in the order of ``get_weights``."""
    return [
        tf.raw_ops.ReadVariableOp(resource=value.handle, dtype=value.dtype).numpy()
        for value in (variable.value for variable in model.weights)
    ]
