"""Architectures and layers that several models share."""

from typing import Any

import keras

from fog_flower.errors import UserError
from fog_flower.tasks.examples import Spec
from fog_flower.tasks.task import Task

GROUP = 16  # filters that are normalised together, as Wu & He found best for a fixed size


def dense(spec: Spec, task: Task, name: str, *widths: int, normalised: bool = False) -> keras.Model:
    """Build a model of dense layers of these widths with ReLU, and one for the task.

    ``normalised`` puts a layer normalisation (Ba et al. 2016, arXiv:1607.06450) before each ReLU.

    Raises
    ------
    UserError
        If inputs are tokens, which are identifiers and not quantities.
    """
    if spec.is_tokens:
        raise UserError(
            f"model={name!r} takes numbers, but inputs are {spec}; use a model of your own with an "
            "Embedding, as module:function, or, if they are amounts, dataset-args=\"kind='rows'\""
        )
    layers: list[Any] = []
    for width in widths:
        if normalised:
            normalise = keras.layers.LayerNormalization()
            layers += [keras.layers.Dense(width), normalise, keras.layers.ReLU()]
        else:
            layers.append(keras.layers.Dense(width, activation="relu"))
    return keras.Sequential(
        [
            keras.Input(spec.shape, dtype=spec.dtype),
            keras.layers.Flatten(),
            *layers,
            last(task),
        ]
    )


def convolutional(
    spec: Spec, task: Task, name: str, *widths: int, normalised: bool = False
) -> keras.Model:
    """Build a model of 3x3 convolutions of these widths with ReLU and 2x2 pools, and a dense layer.

    ``normalised`` puts a normalisation over groups of ``GROUP`` filters before each ReLU (Wu & He
    2018, arXiv:1803.08494). Unlike batch normalisation, it keeps no statistics of anybody's data.
    """
    images_only(spec, name, smallest=2 ** len(widths) + 2 * (2 ** len(widths) - 1))
    convolutions: list[Any] = []
    for filters in widths:
        if normalised:
            # ReLU and the pool are swapped: the same results, on a quarter of the pixels.
            convolutions += [
                keras.layers.Conv2D(filters, 3),
                keras.layers.GroupNormalization(max(1, filters // GROUP)),
                keras.layers.MaxPooling2D(2),
                keras.layers.ReLU(),
            ]
        else:
            convolutions += [
                keras.layers.Conv2D(filters, 3, activation="relu"),
                keras.layers.MaxPooling2D(2),
            ]
    return keras.Sequential(
        [
            keras.Input(spec.shape, dtype=spec.dtype),
            *convolutions,
            keras.layers.Flatten(),
            last(task),
        ]
    )


def shifted(spec: Spec, name: str, model: keras.Model) -> keras.Model:
    """Add a random shift of training images by up to 2 pixels in each direction to a model.

    The shift is against overfitting, and not in the paper. Initial weights and outputs are those of
    the model with the same seed. At the borders, the nearest pixel is repeated.
    """
    images_only(spec, name, smallest=2)
    height, width, _ = spec.shape
    # In bfloat16, values interpolated between two pixels would be rounded.
    shift = keras.layers.RandomTranslation(
        2 / height, 2 / width, fill_mode="nearest", dtype="float32"
    )
    return keras.Sequential([keras.Input(spec.shape, dtype=spec.dtype), shift, *model.layers])


def last(task: Task) -> keras.layers.Layer:
    """Return the output layer, for probabilities of classes or for numbers."""
    return keras.layers.Dense(task.outputs, activation=task.activation, dtype="float32")


def images_only(spec: Spec, name: str, smallest: int) -> None:
    """Check that inputs are images, and large enough.

    Raises
    ------
    UserError
        If not. The message says what the inputs are, and which models take them.
    """
    if not spec.is_image or min(spec.shape[:2]) < smallest:
        raise UserError(
            f"model={name!r} takes images of at least {smallest} x {smallest} pixels, but inputs "
            f"are {spec}; use model=mlp, or your own as module:function{_hint(spec)}"
        )


def _hint(spec: Spec) -> str:
    grey = len(spec.shape) == 2 and spec.dtype == "float32"
    return "; grey images need a channel: x[..., None]" if grey else ""
