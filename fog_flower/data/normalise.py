"""Normalisation per channel by constants of the training set (paper, section 3)."""

import dataclasses
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from fog_flower.data.images import Images

LEVELS = 256
# What models see of images: a normaliser, or nothing where that has been done.
Preprocess = Callable[[npt.NDArray[Any]], npt.NDArray[np.float32]]
CHUNK = 4096  # images; bincount makes 8-byte copies of what it counts


@dataclasses.dataclass(frozen=True)
class Normaliser:
    """Maps uint8 images to standardised float32 ones, and pixel units to standardised ones.

    Attributes
    ----------
    mean, std : float64 [3]
        Of the training set's pixels in [0, 1], per channel.
    """

    mean: npt.NDArray[np.float64]
    std: npt.NDArray[np.float64]

    def __call__(self, images: Images) -> npt.NDArray[np.float32]:
        """Return (image / 255 - mean) / std, float32, for images uint8 [n, 32, 32, 3]."""
        # Each channel has 256 possible results: a table is exact and needs no float64 images.
        levels = np.arange(LEVELS)[:, None] / (LEVELS - 1)
        table = ((levels - self.mean) / self.std).astype(np.float32)
        result = np.empty(images.shape, np.float32)
        for channel in range(images.shape[-1]):
            result[..., channel] = table[:, channel][images[..., channel]]
        return result


def fit_normaliser(images: Images) -> Normaliser:
    """Measure mean and standard deviation per channel of images uint8 [n, 32, 32, 3].

    From exact histograms, so that every process gets the same bits. A constant channel gets
    standard deviation 1, because there is nothing to scale.
    """
    levels = np.arange(LEVELS) / (LEVELS - 1)
    means, deviations = [], []
    for channel in range(images.shape[-1]):
        counts = np.zeros(LEVELS, np.int64)
        for start in range(0, len(images), CHUNK):
            pixels = images[start : start + CHUNK, ..., channel].reshape(-1)
            counts += np.bincount(pixels, minlength=LEVELS)
        mean = float(levels @ counts / counts.sum())
        deviation = float(np.sqrt((levels - mean) ** 2 @ counts / counts.sum()))
        means.append(mean)
        deviations.append(deviation or 1.0)
    return Normaliser(np.array(means), np.array(deviations))
