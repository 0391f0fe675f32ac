"""Models that are not the paper's: smaller ones, for grids of many runs, and two with moved images.

They are not in Flower's bundle.
"""

from collections.abc import Callable
from typing import Any

import keras

from fog_flower.config import FLOAT32
from fog_flower.data.images import CLASSES, IMAGE_SHAPE
from fog_flower.models import MODELS as PAPERS
from fog_flower.models import convolutional, dense


def mlp_narrow() -> keras.Model:
    """3072-128-64-10, 402,250 parameters: not the paper's, for grids of many runs."""
    return dense(128, 64)


def mlp_shift() -> keras.Model:
    """Return the paper's MLP; each training image is moved anew by up to 2 pixels each way."""
    return _shifted("mlp")


def cnn_shift() -> keras.Model:
    """Return the paper's CNN; each training image is moved anew by up to 2 pixels each way."""
    return _shifted("cnn")


def _shifted(model: str) -> keras.Model:
    """Move training images before one of the paper's models sees them.

    Initial weights and answers are that model's of the same seed; at the borders the nearest
    pixel is repeated. Against overfitting, of which the paper says nothing.
    """
    layers = PAPERS[model]().layers  # first: the shift draws a seed of its own
    factor = 2 / IMAGE_SHAPE[0]
    # In bfloat16 what is mixed of two neighbouring pixels would be rounded.
    shift = keras.layers.RandomTranslation(factor, factor, fill_mode="nearest", dtype=FLOAT32)
    return keras.Sequential([keras.Input(IMAGE_SHAPE), shift, *layers])


def cnn_narrow() -> keras.Model:
    """Return the CNN with a quarter of its filters, 25,530: not the paper's, for reduced scale."""
    return convolutional(64, 32, 16)


def cnn_small() -> keras.Model:
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
            keras.layers.Dense(CLASSES, activation="softmax", dtype=FLOAT32),
        ]
    )


MODELS: dict[str, Callable[[], keras.Model]] = {
    "mlp-narrow": mlp_narrow,
    "mlp-shift": mlp_shift,
    "cnn-shift": cnn_shift,
    "cnn-narrow": cnn_narrow,
    "cnn-small": cnn_small,
}
