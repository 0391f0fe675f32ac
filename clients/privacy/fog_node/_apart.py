"""Checks that a model computes with each example alone, and keeps nothing of it."""

import contextlib
from collections.abc import Iterator

import keras
import numpy as np
import tensorflow as tf

from fog_flower.errors import UserError
from fog_flower.tasks.examples import Spec

EXAMPLES = 4
ROUNDING = 1e-5  # of the largest output: sums of a batch may round differently


def check_examples_apart(what: str, model: keras.Model, spec: Spec) -> None:
    """Raise if the output for one example depends on the others of its batch.

    Two tests are made on random inputs. With the layers as in training, the gradient of the first
    output by the other inputs must be zero. With the layers as in evaluation, the first output must
    stay the same if the other inputs change; this also covers tokens, and what has no gradient.

    Parameters
    ----------
    what : str
        The keys of protection and model with their values, for the message.
    model : keras.Model
        Its variables stay as they are.
    spec : Spec
        Of its inputs.

    Raises
    ------
    UserError
        If it does. Then no example's part of a gradient can be bounded. Also if calls of the model
        change weights of it: they are part of dW, but not of a gradient.
    """
    inputs = spec.sample(EXAMPLES)
    if changed := _weights_that_calls_change(model, inputs):
        raise UserError(
            f"{what}: a call of the model in training changes its weights {changed}, which no "
            "gradient reaches, so they would leave the node without noise; use layers that keep "
            "nothing of their inputs, e.g. LayerNormalization"
        )
    if _mixes_examples(model, inputs, spec):
        layer = _first_that_mixes(model, inputs, spec) or "a layer"
        raise UserError(
            f"{what}: the output of the model for an example depends on the other examples of its "
            f"batch, so no example's part can be bounded; {layer} computes with the whole batch, "
            "e.g. its mean over axis 0: use one that takes each example by itself, e.g. "
            "LayerNormalization"
        )


def _mixes_examples(model: keras.Model, inputs: np.ndarray, spec: Spec) -> bool:
    return _has_gradient_by_others(model, inputs, spec) or _changes_with_others(model, inputs)


def _first_that_mixes(model: keras.Model, inputs: np.ndarray, spec: Spec) -> str:
    """Return the first layer whose output mixes examples; empty if the model does not tell.

    Only the layers of functional and sequential models can be tried one by one.
    """
    for layer in model.layers:
        try:
            (given,) = model.inputs
            up_to_it = keras.Model(given, layer.output)
        except (AttributeError, TypeError, ValueError):
            continue  # it has no output of its own: used several times, or of a subclassed model
        if isinstance(layer.output, keras.KerasTensor) and _mixes_examples(up_to_it, inputs, spec):
            return f"layer {layer.name!r} ({type(layer).__name__})"
    return ""


def _weights_that_calls_change(model: keras.Model, inputs: np.ndarray) -> str:
    """Return the names of weights that a call in training changes; the model stays as it is."""
    before = [np.array(weight) for weight in model.weights]
    with _left_as_it_is(model):
        model(tf.constant(inputs), training=True)
        changed = [
            weight.path
            for weight, value in zip(model.weights, before, strict=True)
            if not np.array_equal(np.array(weight), value)
        ]
    return ", ".join(changed)


@contextlib.contextmanager
def _left_as_it_is(model: keras.Model) -> Iterator[None]:
    """Restore all variables of a model afterwards, also the seeds of dropout."""
    kept = [np.array(variable) for variable in model.variables]
    try:
        yield
    finally:
        for variable, value in zip(model.variables, kept, strict=True):
            variable.assign(value)


def _has_gradient_by_others(model: keras.Model, inputs: np.ndarray, spec: Spec) -> bool:
    if spec.is_tokens:
        return False
    given = tf.constant(inputs)
    with _left_as_it_is(model), tf.GradientTape() as tape:
        tape.watch(given)
        first = model(given, training=True)[0]
        # The sum of a softmax is constant, so the outputs get different weights.
        told = tf.reduce_sum(
            first * tf.cast(tf.random.stateless_normal(first.shape, (0, 0)), first.dtype)
        )
    gradient = tape.gradient(told, given)
    return gradient is not None and bool(np.any(np.asarray(gradient)[1:] != 0.0))


def _changes_with_others(model: keras.Model, inputs: np.ndarray) -> bool:
    others = inputs.copy()
    others[1:] = inputs[1:][::-1]
    others[1] = inputs[0]
    one, other = (np.asarray(model(some, training=False))[0] for some in (inputs, others))
    edge = ROUNDING * float(np.abs(one).max(initial=0.0))
    return not np.allclose(one, other, rtol=0.0, atol=edge, equal_nan=True)
