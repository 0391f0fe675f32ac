"""Checks that a model computes the output for an example from this example alone."""

import keras
import numpy as np
import tensorflow as tf

from fog_flower.errors import UserError
from fog_flower.tasks.examples import Spec

EXAMPLES = 4
ROUNDING = 1e-5  # of the largest output: sums of a batch may round differently


def check_examples_apart(model: keras.Model, spec: Spec) -> None:
    """Raise if the output for one example depends on the others of its batch.

    Two tests are made on random inputs. With the layers as in training, the gradient of the first
    output by the other inputs must be zero. With the layers as in evaluation, the first output must
    stay the same if the other inputs change; this also covers tokens, and what has no gradient.

    Parameters
    ----------
    model : keras.Model
        Its variables stay as they are.
    spec : Spec
        Of its inputs.

    Raises
    ------
    UserError
        If it does. Then no example's part of a gradient can be bounded.
    """
    inputs = spec.sample(EXAMPLES)
    if _has_gradient_by_others(model, inputs, spec) or _changes_with_others(model, inputs):
        raise UserError(
            "fog-protection: the output of the model for an example depends on the other examples "
            "of its batch, so no example's part can be bounded; a layer computes with the whole "
            "batch, e.g. its mean over axis 0: use one that takes each example by itself, e.g. "
            "LayerNormalization"
        )


def _has_gradient_by_others(model: keras.Model, inputs: np.ndarray, spec: Spec) -> bool:
    if spec.is_tokens:
        return False
    kept = [np.array(variable) for variable in model.variables]  # also seeds of dropout
    given = tf.constant(inputs)
    with tf.GradientTape() as tape:
        tape.watch(given)
        first = model(given, training=True)[0]
        # The sum of a softmax is constant, so the outputs get different weights.
        told = tf.reduce_sum(
            first * tf.cast(tf.random.stateless_normal(first.shape, (0, 0)), first.dtype)
        )
    gradient = tape.gradient(told, given)
    for variable, value in zip(model.variables, kept, strict=True):
        variable.assign(value)
    return gradient is not None and bool(np.any(np.asarray(gradient)[1:] != 0.0))


def _changes_with_others(model: keras.Model, inputs: np.ndarray) -> bool:
    others = inputs.copy()
    others[1:] = inputs[1:][::-1]
    others[1] = inputs[0]
    one, other = (np.asarray(model(some, training=False))[0] for some in (inputs, others))
    edge = ROUNDING * float(np.abs(one).max(initial=0.0))
    return not np.allclose(one, other, rtol=0.0, atol=edge, equal_nan=True)
