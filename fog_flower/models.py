"""The paper's models, as listed in it; and a user's own by ``module:function``."""

from collections.abc import Callable
from typing import Any

import keras

from fog_flower.data.images import CLASSES, IMAGE_SHAPE
from fog_flower.errors import UserError
from fog_flower.references import load_reference


def _mlp() -> keras.Model:
    """Flatten, Dense 1024, 256, 128 ReLU, Dense 10 softmax: the paper's listing, 3,443,338."""
    return _dense(1024, 256, 128)


def _mlp_2_hidden() -> keras.Model:
    """3072-256-128-10: the MLP as the paper's text describes it, 820,874 parameters."""
    return _dense(256, 128)


def _dense(*widths: int) -> keras.Model:
    layers = [keras.layers.Dense(width, activation="relu") for width in widths]
    return keras.Sequential(
        [
            keras.Input(IMAGE_SHAPE),
            keras.layers.Flatten(),
            *layers,
            keras.layers.Dense(CLASSES, activation="softmax"),
        ]
    )


def _mlp_narrow() -> keras.Model:
    """3072-128-64-10, 402,250 parameters: not the paper's, for grids of many runs."""
    return _dense(128, 64)


def _cnn() -> keras.Model:
    """Three 3x3 valid convolutions (256, 128, 64), each with ReLU and a 2x2 pool: 378,570."""
    return _convolutional(256, 128, 64)


def _cnn_narrow() -> keras.Model:
    """Return the CNN with a quarter of its filters, 25,530: not the paper's, for reduced scale."""
    return _convolutional(64, 32, 16)


def _cnn_small() -> keras.Model:
    """Two 3x3 convolutions (16, 32) at half resolution, Dense 64, ELU, He: 57,002 parameters.

    Not the paper's: it learns from its first epoch on a thousand images, at thirty times the speed
    of the paper's CNN, for grids of many runs.
    """

    def settings() -> dict[str, Any]:
        return {"activation": "elu", "kernel_initializer": keras.initializers.HeNormal()}

    return keras.Sequential(
        [
            keras.Input(IMAGE_SHAPE),
            keras.layers.AveragePooling2D(2),
            keras.layers.Conv2D(16, 3, **settings()),
            keras.layers.MaxPooling2D(2),
            keras.layers.Conv2D(32, 3, **settings()),
            keras.layers.Flatten(),
            keras.layers.Dense(64, **settings()),
            keras.layers.Dense(CLASSES, activation="softmax"),
        ]
    )


def _convolutional(*widths: int) -> keras.Model:
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
            keras.layers.Dense(CLASSES, activation="softmax"),
        ]
    )


MODELS: dict[str, Callable[[], keras.Model]] = {
    "mlp": _mlp,
    "mlp-2-hidden": _mlp_2_hidden,
    "mlp-narrow": _mlp_narrow,
    "cnn": _cnn,
    "cnn-narrow": _cnn_narrow,
    "cnn-small": _cnn_small,
}


def build_model(reference: str, seed: int) -> keras.Model:
    """Build a model, uncompiled, with initial weights that depend on the seed alone.

    Parameters
    ----------
    reference : str
        A key of ``MODELS``, or ``module:function`` of a function without arguments that returns a
        Keras model from images float32 ``[n, 32, 32, 3]`` to probabilities ``[n, 10]``.
    seed : int
        Seeds the initialisers (Keras' own: Glorot uniform). Keras draws from a global generator,
        so this reseeds it; nothing else of ours uses that generator.

    Raises
    ------
    UserError
        If there is no such model, or it does not fit images or classes.
    """
    if ":" in reference:
        build = load_reference(reference, "model")
    elif reference in MODELS:
        build = MODELS[reference]
    else:
        raise UserError(
            f"model={reference!r}: there are {', '.join(MODELS)}, or your own as module:function"
        )
    keras.utils.set_random_seed(seed % 2**32)
    model = build()
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
