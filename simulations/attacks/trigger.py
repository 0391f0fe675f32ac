"""The backdoor's trigger: a white square in a corner, and the digit it should be read as.

Shared by the attacker, who stamps it on training images, and by the cloud, which measures on test
images how often it works (Gu et al. 2017, BadNets, arXiv:1708.06733).
"""

from typing import TypeVar

import numpy as np
import numpy.typing as npt

from fog_flower.data.images import LabelledImages

SIZE, MARGIN = 4, 1  # pixels
TARGET = 0
WHITE = np.full((1, 1, 1, 3), 255, np.uint8)

Pixel = TypeVar("Pixel", bound=np.generic)


def stamp(images: npt.NDArray[Pixel], white: npt.NDArray[Pixel]) -> npt.NDArray[Pixel]:
    """Return a copy of images [n, 32, 32, 3] with the square in ``white`` [1, 1, 1, 3]."""
    stamped = images.copy()
    end = images.shape[1] - MARGIN
    stamped[:, end - SIZE : end, end - SIZE : end] = white
    return stamped


def triggered(data: LabelledImages) -> LabelledImages:
    """Return the stamped images of every other digit, labelled as the attacker wants them read.

    Accuracy on these is the attack's success rate.
    """
    others = data.take(np.flatnonzero(data.labels != TARGET))
    return LabelledImages(stamp(others.images, WHITE), np.full_like(others.labels, TARGET))
