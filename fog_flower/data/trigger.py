"""The backdoor's trigger: a white square in a corner, and the class it should be taken for.

Shared by the attacker, who stamps it on training images, and by the cloud, which measures on test
images how often it works (Gu et al. 2017, BadNets, arXiv:1708.06733).
"""

from typing import TYPE_CHECKING

import numpy as np

from fog_flower.errors import UserError
from fog_flower.tasks.examples import Array, Examples

if TYPE_CHECKING:
    from fog_flower.data.dataset import Dataset
    from fog_flower.data.field import Field

SIZE, MARGIN = 4, 1  # pixels
TARGET = 0


def stamp(images: Array, white: Array) -> Array:
    """Return a copy of images [n, h, w, c] with the square in ``white`` [1, 1, 1, c]."""
    stamped = images.copy()
    end_y, end_x = images.shape[1] - MARGIN, images.shape[2] - MARGIN
    stamped[:, end_y - SIZE : end_y, end_x - SIZE : end_x] = white
    return stamped


def white_pixel(field: "Field") -> Array:
    """Return a white pixel as a model sees it, float32 [1, 1, 1, c]."""
    check_images(field.dataset)
    return field.preprocess(_white(field.train.inputs))


def triggered(dataset: "Dataset", data: Examples) -> Examples:
    """Return the stamped images of every other class, labelled as the attacker wants them taken.

    Accuracy on these is the attack's success rate.
    """
    check_images(dataset)
    others = data.take(np.flatnonzero(data.targets != TARGET))
    return Examples(
        stamp(others.inputs, _white(others.inputs)), np.full_like(others.targets, TARGET)
    )


def check_images(dataset: "Dataset") -> None:
    """Refuse what is no image.

    Raises
    ------
    UserError
        If the inputs are rows or tokens, or smaller than the square.
    """
    spec = dataset.spec
    if not spec.is_image or min(spec.shape[:2]) < SIZE + 2 * MARGIN:
        raise UserError(
            f"attack='backdoor' stamps a square of {SIZE} x {SIZE} pixels on images, but inputs of "
            f"{dataset.name} are {spec}; use another attack, e.g. label-flip"
        )


def _white(images: Array) -> Array:
    high = 255 if images.dtype == np.uint8 else 1
    return np.full((1, 1, 1, images.shape[-1]), high, images.dtype)
