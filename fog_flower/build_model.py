"""Builds an uncompiled Keras model from the ``model`` key and a seed."""

import inspect
import re
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from fog_flower.causes import describe_failure, describe_users_failure
from fog_flower.config import FLOAT32
from fog_flower.errors import UserError
from fog_flower.models import MODELS
from fog_flower.tasks.examples import Spec
from fog_flower.tasks.task import Task
from fog_flower.tensorflow_setup import own_keras_settings

TRIED = 8  # made-up inputs that a model is tested with
WEIGHT_KINDS = "fiub"  # NumPy's kinds of dtype that can be sent
SGD_EXTRAS = (
    *("momentum", "nesterov", "weight_decay", "clipnorm", "global_clipnorm", "clipvalue"),
    *("use_ema", "gradient_accumulation_steps"),
)
USUAL_RATE = 0.01  # default learning rate of keras.optimizers.SGD
_INPUTS = re.compile(r"for input [\[(<].*?(?=\. Expected)", re.DOTALL)
_ARGUMENTS = re.compile(r"\s*Arguments received by .*", re.DOTALL)
_tried: set[tuple[str, Spec, Task]] = set()  # models whose training step worked in this process
SMALL_SCALE = 0.05  # a Rescaling by less than this expects pixels from 0 to 255


def build_untrained(reference: str, spec: Spec, task: Task, seed: int) -> keras.Model:
    """Build a model as ``build_model`` does, and check that it can be trained.

    It is built up to six times, until two in a row have the same weights: Keras draws from a global
    generator, and in a server the thread of Flower's heartbeat does so too. Then a copy is trained
    for one step, once per process.

    Raises
    ------
    UserError
        As ``build_model``. Also if its weights differ each time, if it is always the same object,
        or if its training step fails.
    """
    name = f"model={reference!r}"
    model = build_model(reference, spec, task, seed)
    for _ in range(5):
        again = build_model(reference, spec, task, seed)
        if model.weights[0] is again.weights[0]:
            raise UserError(
                f"{name}: is the same object every time it is asked for; build it anew in the "
                "function"
            )
        pairs = zip(model.get_weights(), again.get_weights(), strict=True)
        if all(one.tobytes() == other.tobytes() for one, other in pairs):  # NaN equals NaN
            if (reference, spec, task) not in _tried:  # not again in the next run of a sweep
                _try_training(again, spec, task, name)
                _tried.add((reference, spec, task))
            return model
        model = again
    raise UserError(f"{name}: has different weights each time it is built; seed random draws")


def build_model(
    reference: str, spec: Spec, task: Task, seed: int, precision: str = FLOAT32
) -> keras.Model:
    """Build an uncompiled model whose initial weights depend on the seed alone.

    Parameters
    ----------
    reference : str
        A file of ``fog_flower/models``, or ``module:function``. The function takes (spec, task) or
        no arguments, and returns a Keras model from inputs to what the task takes: for
        classification, probabilities or logits [n, classes].
    spec, task : Spec, Task
        Of the data set.
    seed : int
        Of the global generator that initialisers draw from (Keras' default: Glorot uniform).
    precision : str
        With ``bfloat16``, layers compute in bfloat16 on float32 weights.

    Raises
    ------
    UserError
        If the model is unknown, does not fit the inputs or the task, or has settings that would be
        ignored.
    """
    name = f"model={reference!r}"
    with own_keras_settings(precision, name):
        named = MODELS.load(reference)
        keras.utils.set_random_seed(seed % 2**32)
        model = _called(named.item, spec, task, name) if named.own else named.item(spec, task)
    if not isinstance(model, keras.Model):
        kind = type(model)
        raise UserError(
            f"{name}: returned {kind.__module__}.{kind.__qualname__}, not a Keras model; build it "
            "with `import keras`"
        )
    _check_compiled(model, name)
    _check_call(model, spec, name)
    _check_weights(model, name)
    _check_computing(model, name)
    model = task.fit(model, spec, name)
    if not model.trainable_weights:
        raise UserError(f"{name}: has no trainable weights")
    return model


def _called(build: Any, spec: Spec, task: Task, name: str) -> Any:
    """Call a user's function with (spec, task), or without arguments."""
    if not callable(build):
        raise UserError(f"{name}: is a {type(build).__name__}; name a function that returns it")
    try:
        parameters = inspect.signature(build).parameters.values()
        takes = [p for p in parameters if p.kind in (p.POSITIONAL_ONLY, p.POSITIONAL_OR_KEYWORD)]
        required = [p for p in takes if p.default is p.empty]
        if not required:
            return build()
        if len(required) > 2 or len(takes) < 2:
            told = ", ".join(p.name for p in required)
            raise UserError(
                f"{name}: needs ({told}), but is called with (spec, task), or without arguments"
            )
        return build(spec, task)
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        raise UserError(f"{name}: {describe_failure(error)}") from error


def _check_compiled(model: keras.Model, name: str) -> None:
    """Raise a ``UserError`` if the model has an optimizer that would silently be replaced."""
    if not getattr(model, "compiled", False) or model.optimizer is None:
        return
    optimizer = model.optimizer
    settings = optimizer.get_config()
    used = [f"{extra}={settings[extra]}" for extra in SGD_EXTRAS if settings.get(extra)]
    if type(optimizer) is not keras.optimizers.SGD or used:
        kind = f"{type(optimizer).__name__}({', '.join(used)})"
        raise UserError(
            f"{name}: is compiled with {kind}, but fog nodes train with plain SGD; return it "
            "uncompiled, or compiled with keras.optimizers.SGD()"
        )
    rate = settings["learning_rate"]
    if not isinstance(rate, int | float) or not np.isclose(rate, USUAL_RATE):
        told = f"{rate:g}" if isinstance(rate, int | float) else "a schedule"
        raise UserError(
            f"{name}: is compiled with the learning rate {told}, but learning-rate decides; return "
            "it uncompiled and set that key"
        )


def _check_call(model: keras.Model, spec: Spec, name: str) -> None:
    """Check that the model can be called with inputs; the call also creates lazy weights."""
    inputs = getattr(model, "inputs", None) if model.built else None
    if inputs is not None and len(inputs) != 1:
        raise UserError(f"{name}: takes {len(inputs)} inputs, but an example has one, {spec}")
    try:
        outputs = model(spec.sample(TRIED), training=False)
    except Exception as error:
        wanted = f"; its input is {tuple(inputs[0].shape)}" if inputs else ""
        raise UserError(
            f"{name}: cannot be called with inputs {spec}{wanted} ({_told(error)}); let it begin "
            f"with keras.Input({spec.shape}), or use data of its shape"
        ) from error
    if isinstance(outputs, dict):
        raise UserError(
            f"{name}: returns outputs by name ({', '.join(map(str, outputs))}), but the task takes "
            "one tensor"
        )
    if isinstance(outputs, list | tuple):
        raise UserError(f"{name}: has {len(outputs)} outputs, but the task takes one")
    for layer in model._flatten_layers():
        scale = getattr(layer, "scale", None)
        small = isinstance(scale, int | float) and 0 < abs(scale) < SMALL_SCALE
        if isinstance(layer, keras.layers.Rescaling) and small and spec.is_image:
            raise UserError(
                f"{name}: begins with Rescaling({scale:g}), but its inputs are standardised "
                "already, not pixels from 0 to 255; leave that layer out"
            )


def _check_weights(model: keras.Model, name: str) -> None:
    for weight in model.weights:
        dtype = str(weight.dtype)
        if dtype == "bfloat16" or np.dtype(dtype).kind not in WEIGHT_KINDS:
            raise UserError(
                f"{name}: its weight {weight.path} is {dtype}, which cannot be sent; use float32 "
                "weights, and precision=bfloat16 to compute in it"
            )


def _check_computing(model: keras.Model, name: str) -> None:
    for layer in model._flatten_layers():
        if getattr(layer, "compute_dtype", None) == "float16":
            raise UserError(
                f"{name}: its layer {layer.name} computes in float16, in which small gradients are "
                "0 without loss scaling; use float32, and precision=bfloat16 to compute in that"
            )


def _try_training(model: keras.Model, spec: Spec, task: Task, name: str) -> None:
    """Train a model for one step on made-up inputs."""
    count = len(model.weights)
    data = (
        tf.constant(spec.sample(TRIED)),
        tf.zeros((TRIED, *task.target_shape), task.target_dtype),
    )
    try:
        task.compile(model, keras.optimizers.SGD())
        model.train_step(data)
        loss = float(model.get_metrics_result()["loss"])
    except Exception as error:
        raise UserError(f"{name}: its training step fails ({_told(error)})") from error
    if len(model.weights) != count:
        raise UserError(
            f"{name}: makes {len(model.weights) - count} weights in its first training step, which "
            "nobody else has by then; make all of them in __init__ or build"
        )
    if not np.isfinite(loss):
        raise UserError(f"{name}: its loss is {loss} in the first training step")


def _told(error: BaseException) -> str:
    """Return the error's message without the list of inputs that Keras adds to it."""
    return describe_users_failure(error, lambda text: _ARGUMENTS.sub("", _INPUTS.sub("", text)))
