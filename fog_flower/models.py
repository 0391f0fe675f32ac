"""The paper's models, as listed in it; others by name; a user's own by ``module:function``."""

from collections.abc import Callable
from typing import Any

import keras

from fog_flower.config import BFLOAT16, FLOAT32, MODEL_NAMES
from fog_flower.data.images import CLASSES, IMAGE_SHAPE
from fog_flower.errors import UserError
from fog_flower.references import load_reference
from fog_flower.simulation_parts import simulation_part


def _mlp() -> keras.Model:
    """Flatten, Dense 1024, 256, 128 ReLU, Dense 10 softmax: the paper's listing, 3,443,338."""
    return dense(1024, 256, 128)


def _mlp_2_hidden() -> keras.Model:
    """3072-256-128-10: the MLP as the paper's text describes it, 820,874 parameters."""
    return dense(256, 128)


def dense(*widths: int) -> keras.Model:
    """Flatten, then dense layers of these widths with ReLU, then softmax."""
    layers = [keras.layers.Dense(width, activation="relu") for width in widths]
    return keras.Sequential(
        [
            keras.Input(IMAGE_SHAPE),
            keras.layers.Flatten(),
            *layers,
            keras.layers.Dense(CLASSES, activation="softmax", dtype=FLOAT32),
        ]
    )


def _cnn() -> keras.Model:
    """Three 3x3 valid convolutions (256, 128, 64), each with ReLU and a 2x2 pool: 378,570."""
    return convolutional(256, 128, 64)


def convolutional(*widths: int) -> keras.Model:
    """3x3 convolutions of these widths, each with ReLU and a 2x2 pool, then softmax."""
    convolutions: list[Any] = []
    for filters in widths:
        convolutions += [
            keras.layers.Conv2D(filters, 3, activation="relu"),
            keras.layers.MaxPooling2D(2),
        ]
    return keras.Sequential(
        [
            keras.Input(IMAGE_SHAPE),
            *convolutions,
            keras.layers.Flatten(),
            keras.layers.Dense(CLASSES, activation="softmax", dtype=FLOAT32),
        ]
    )


MODELS: dict[str, Callable[[], keras.Model]] = {
    "mlp": _mlp,
    "mlp-2-hidden": _mlp_2_hidden,
    "cnn": _cnn,
}


def build_untrained(reference: str, seed: int) -> keras.Model:
    """Build a model as ``build_model`` does, until two of them have the same weights.

    Keras draws from a global generator, and in a server so does Flower's heartbeat, a thread.

    Raises
    ------
    UserError
        As ``build_model``, or if it always has other weights.
    """
    model = build_model(reference, seed)
    for _ in range(5):
        again = build_model(reference, seed)
        pairs = zip(model.get_weights(), again.get_weights(), strict=True)
        if all(one.tobytes() == other.tobytes() for one, other in pairs):  # a NaN is itself, too
            return model
        model = again
    raise UserError(
        f"model={reference!r}: has other weights every time it is built; seed what is random"
    )


def build_model(reference: str, seed: int, precision: str = FLOAT32) -> keras.Model:
    """Build a model, uncompiled, with initial weights that depend on the seed alone.

    Parameters
    ----------
    reference : str
        One of ``MODEL_NAMES`` (those smaller than the paper's: ``simulations/models``), or
        ``module:function`` of a function without arguments that returns a Keras model from images
        float32 ``[n, 32, 32, 3]`` to probabilities ``[n, 10]``.
    seed : int
        Seeds the global generator that initialisers draw from (Keras' own: Glorot uniform).
    precision : str
        ``bfloat16``: its layers compute in it, on float32 weights.

    Raises
    ------
    UserError
        If there is no such model, or it does not fit images or classes.
    """
    if ":" in reference:
        build = load_reference(reference, "model")
    elif reference in MODELS:
        build = MODELS[reference]
    elif reference in MODEL_NAMES:
        build = simulation_part("models", f"model={reference!r}").MODELS[reference]
    else:
        names = ", ".join(MODEL_NAMES)
        raise UserError(f"model={reference!r}: there are {names}, or your own as module:function")
    keras.utils.set_random_seed(seed % 2**32)
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy("mixed_bfloat16" if precision == BFLOAT16 else before)
    try:
        model = build()
    finally:
        keras.config.set_dtype_policy(before)
    if not isinstance(model, keras.Model):
        raise UserError(f"model={reference!r}: returned {type(model).__name__}, not a Keras model")
    if not model.built:
        model.build((None, *IMAGE_SHAPE))
    shape = tuple(model.compute_output_shape((None, *IMAGE_SHAPE)))
    if shape != (None, CLASSES):
        raise UserError(
            f"model={reference!r}: must map images [n, 32, 32, 3] to probabilities [n, 10], "
            f"but its output is {shape}"
        )
    return model
