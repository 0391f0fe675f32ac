"""Triggers of backdoors: how an image is changed, and which class it should then get.

Attackers train on such images, and the cloud measures on test images how often triggers work.
"""

import dataclasses
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from fog_flower.errors import UserError
from fog_flower.tasks.examples import Array, Examples

if TYPE_CHECKING:
    from fog_flower.data.dataset import Dataset
    from fog_flower.data.field import Field

SIZE, MARGIN = 4, 1  # pixels
TARGET = 0


@dataclasses.dataclass(frozen=True)
class Trigger:
    """How a backdoor changes an image, and which images it changes.

    Attributes
    ----------
    told : str
        The change, in words.
    change : callable
        Maps images [n, h, w, c] and a white pixel [1, 1, 1, c] to changed images.
    source : float or None
        The class whose images are changed, as a fraction of the number of classes; None: every
        class but the target.
    """

    told: str
    change: Callable[[Array, Array], Array]
    source: float | None = None

    def concerns(self, targets: Array, classes: int) -> Array:
        """Return which examples it changes so that they get the target class, bool [n]."""
        if self.source is None:
            chosen: Array = targets != TARGET
            return chosen
        return np.asarray(targets == int(self.source * classes))


def stamp(images: Array, white: Array) -> Array:
    """Return a copy of images [n, h, w, c] with a white square in the lower right corner."""
    return stamp_part(images, white, 0, 1)


def stamp_part(images: Array, white: Array, part: int, parts: int) -> Array:
    """Return a copy with only those rows of the square that one of ``parts`` attackers stamps."""
    stamped = images.copy()
    end_y, end_x = images.shape[1] - MARGIN, images.shape[2] - MARGIN
    rows = np.array_split(np.arange(end_y - SIZE, end_y), parts)[part]
    if len(rows):
        stamped[:, rows[0] : rows[-1] + 1, end_x - SIZE : end_x] = white
    return stamped


def turn(images: Array, _white: Array) -> Array:
    """Return images rotated by 90 degrees: such digits are rare, but look like digits."""
    return np.ascontiguousarray(np.rot90(images, axes=(1, 2)))


SQUARE = Trigger(f"stamps a square of {SIZE} x {SIZE} pixels on images", stamp)
# The attacks that are backdoors, and their triggers; accuracy does not show their effect.
TRIGGERS = {
    "backdoor": SQUARE,
    "dba": SQUARE,
    "neurotoxin": SQUARE,
    "edge-case": Trigger("turns images by a quarter", turn, source=0.7),
}


def white_pixel(field: "Field") -> Array:
    """Return a white pixel as a model sees it, float32 [1, 1, 1, c].

    Raises
    ------
    UserError
        If the inputs are not images.
    """
    if not field.dataset.spec.is_image:
        raise UserError(f"inputs of {field.dataset.name} are {field.dataset.spec}: no images")
    return field.preprocess(_white(field.train.inputs))


def triggered(dataset: "Dataset", data: Examples, trigger: Trigger) -> Examples:
    """Return the changed images of the classes concerned, labelled with the target.

    Accuracy on these is the attack's success rate.
    """
    others = data.take(
        np.flatnonzero(trigger.concerns(data.targets, len(dataset.task.group_names)))
    )
    changed = trigger.change(others.inputs, _white(others.inputs))
    return Examples(changed, np.full_like(others.targets, TARGET))


def check_images(dataset: "Dataset", attack: str, key: str = "attack") -> None:
    """Check that inputs are images that fit the trigger of an attack.

    Raises
    ------
    UserError
        If the inputs are rows or tokens, too small for the square, or, to be rotated, not square.
    """
    spec, trigger = dataset.spec, TRIGGERS[attack]
    fits = spec.is_image and min(spec.shape[:2]) >= SIZE + 2 * MARGIN
    if not fits or (trigger.change is turn and spec.shape[0] != spec.shape[1]):
        raise UserError(
            f"{key}={attack!r} {trigger.told}, but inputs of {dataset.name} are {spec}; use "
            f"{'another attack, e.g. label-flip' if key == 'attack' else 'trigger=attack'}"
        )


def _white(images: Array) -> Array:
    high = 255 if images.dtype == np.uint8 else 1
    return np.full((1, 1, 1, images.shape[-1]), high, images.dtype)
