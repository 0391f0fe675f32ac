"""Patches of rendered digits as filters (Coates & Ng 2011, ICML): random ones, not learned."""

import numpy as np
import numpy.typing as npt

from fog_flower.data.features._grey import of_unit_length, standardised_grey
from fog_flower.data.features._stored import stored
from fog_flower.tasks.examples import Array

THRESHOLD = 0.8  # of a filter's answer, below which it is 0; Coates & Ng's soft threshold
FLAT = 0.05  # variance of a patch, in that of its image, that is added before it is divided by
POOL, STRIDE = 9, 6  # pixels; 27 x 27 answers become 5 x 5


def patches(images: Array) -> npt.NDArray[np.float32]:
    """Return how strongly 100 whitened patches of 6 x 6 answer in 5 x 5 places: 2,500 features.

    Each patch of an image is normalised, an answer counts whichever its sign is, and features have
    the mean and deviation taken away that they have on rendered digits (``python -m
    simulations.pretraining``), and unit length together. With so many features of little in common
    softmax regression learns in few steps, which is what noise allows.

    Parameters
    ----------
    images : float32 [n, height, width, channels]
    """
    filters, mean, deviation = stored("patches")
    return of_unit_length((answers(images, filters) - mean) / deviation)


def answers(images: Array, filters: Array) -> npt.NDArray[np.float32]:
    """Return the pooled answers of filters [6, 6, 1, k] to images [n, h, w, c], [n, 25 k]."""
    import tensorflow as tf  # noqa: PLC0415  (seconds)

    side = filters.shape[0]
    average = np.full((side, side, 1, 1), 1 / side**2, np.float32)
    grey = tf.constant(standardised_grey(images))
    mean = tf.nn.conv2d(grey, average, 1, "VALID")
    variance = tf.nn.conv2d(grey * grey, average, 1, "VALID") - mean * mean
    # Filters have mean 0, so a patch's own mean does not matter.
    found = tf.nn.conv2d(grey, filters, 1, "VALID") / tf.sqrt(tf.maximum(variance, 0.0) + FLAT)
    pooled = tf.nn.avg_pool2d(tf.nn.relu(tf.abs(found) - THRESHOLD), POOL, STRIDE, "SAME")
    return np.asarray(tf.reshape(pooled, (len(images), -1)).numpy(), np.float32)
