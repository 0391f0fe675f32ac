"""From the ``model`` key to an uncompiled Keras model with initial weights of a seed."""

import inspect
from collections.abc import Callable
from typing import Any

import keras

from fog_flower.config import BFLOAT16, FLOAT32
from fog_flower.errors import UserError
from fog_flower.models import MODELS
from fog_flower.tasks.examples import Spec
from fog_flower.tasks.task import Task


def build_untrained(reference: str, spec: Spec, task: Task, seed: int) -> keras.Model:
    """Build a model as ``build_model`` does, until two of them have the same weights.

    Keras draws from a global generator, and in a server so does Flower's heartbeat, a thread.

    Raises
    ------
    UserError
        As ``build_model``, or if it always has other weights.
    """
    model = build_model(reference, spec, task, seed)
    for _ in range(5):
        again = build_model(reference, spec, task, seed)
        pairs = zip(model.get_weights(), again.get_weights(), strict=True)
        if all(one.tobytes() == other.tobytes() for one, other in pairs):  # a NaN is itself, too
            return model
        model = again
    raise UserError(
        f"model={reference!r}: has other weights every time it is built; seed what is random"
    )


def build_model(
    reference: str, spec: Spec, task: Task, seed: int, precision: str = FLOAT32
) -> keras.Model:
    """Build a model, uncompiled, with initial weights that depend on the seed alone.

    Parameters
    ----------
    reference : str
        A file of ``fog_flower/models``, or ``module:function`` of a function of (spec, task), or
        without arguments, that returns a Keras model from inputs to what the task takes:
        probabilities or logits [n, classes].
    spec, task : Spec, Task
        Of the data set.
    seed : int
        Seeds the global generator that initialisers draw from (Keras' own: Glorot uniform).
    precision : str
        ``bfloat16``: its layers compute in it, on float32 weights.

    Raises
    ------
    UserError
        If there is no such model, or it does not fit inputs or task.
    """
    named, name = MODELS.load(reference), f"model={reference!r}"
    keras.utils.set_random_seed(seed % 2**32)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == BFLOAT16 else FLOAT32)
    try:
        model = _called(named.item, spec, task)
    finally:
        keras.config.set_dtype_policy(before)
    if not isinstance(model, keras.Model):
        raise UserError(f"{name}: returned {type(model).__name__}, not a Keras model")
    if not model.built:
        model.build((None, *spec.shape))
    return task.fit(model, spec, name)


def _called(build: Callable[..., Any], spec: Spec, task: Task) -> Any:
    """Call a function of (spec, task), or one without arguments."""
    takes = inspect.signature(build).parameters.values()
    required = [p for p in takes if p.default is p.empty and p.kind is not p.VAR_KEYWORD]
    return build(spec, task) if len(required) >= 2 else build()
