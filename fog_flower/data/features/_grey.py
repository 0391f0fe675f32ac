"""Converts images to the input of maps that were made on rendered digits."""

import numpy as np
import numpy.typing as npt

from fog_flower.tasks.examples import Array

SIDE = 32  # pixels
LUMA = (0.299, 0.587, 0.114)  # of red, green and blue (ITU-R BT.601)
FAINT = 0.05  # added to an image's deviation, in standardised units, so that flat ones stay flat


def standardised_grey(images: Array) -> npt.NDArray[np.float32]:
    """Convert images [n, height, width, channels] to grey, 32 x 32, mean 0 and deviation 1 each.

    Returns
    -------
    float32 [n, 32, 32, 1]
    """
    import tensorflow as tf  # noqa: PLC0415  (takes seconds)

    channels = images.shape[-1]
    shares = np.asarray(LUMA if channels == len(LUMA) else [1 / channels] * channels, np.float32)
    grey = (np.asarray(images, np.float32) @ shares)[..., None]
    if grey.shape[1:3] != (SIDE, SIDE):
        grey = tf.image.resize(grey, (SIDE, SIDE)).numpy()
    grey -= grey.mean(axis=(1, 2), keepdims=True)
    return np.asarray(grey / (grey.std(axis=(1, 2), keepdims=True) + FAINT), np.float32)


def of_unit_length(rows: Array) -> npt.NDArray[np.float32]:
    """Return rows [n, k], each divided by its Euclidean length."""
    lengths = np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), np.float32(1e-6))
    return np.asarray(rows / lengths, np.float32)
