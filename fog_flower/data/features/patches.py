"""Random patches of rendered digits as filters, not learned ones (Coates & Ng 2011, ICML)."""

import numpy as np
import numpy.typing as npt

from fog_flower.data.features._grey import of_unit_length, standardised_grey
from fog_flower.data.features._stored import stored
from fog_flower.tasks.examples import Array

THRESHOLD = 0.8  # a filter's response below this becomes 0; Coates & Ng's soft threshold
FLAT = 0.05  # added to a patch's variance before dividing by it; in units of its image's variance
POOL, STRIDE = 9, 6  # pixels; 27 x 27 responses become 5 x 5


def patches(images: Array) -> npt.NDArray[np.float32]:
    """Return the responses of 100 whitened 6 x 6 patches, pooled to 5 x 5 places: 2,500 features.

    Each patch of an image is normalised, and the sign of a response is ignored. Features are
    standardised by their mean and deviation on rendered digits (``python -m
    simulations.pretraining``), then scaled to unit length together. With so many weakly correlated
    features, softmax regression learns in few steps, and noise allows only few.

    Parameters
    ----------
    images : float32 [n, height, width, channels]
    """
    filters, mean, deviation = stored("patches")
    return of_unit_length((answers(images, filters) - mean) / deviation)


def answers(images: Array, filters: Array) -> npt.NDArray[np.float32]:
    """Return pooled responses [n, 25 k] of filters [6, 6, 1, k] to images [n, h, w, c]."""
    import tensorflow as tf  # noqa: PLC0415  (takes seconds)

    side = filters.shape[0]
    average = np.full((side, side, 1, 1), 1 / side**2, np.float32)
    grey = tf.constant(standardised_grey(images))
    mean = tf.nn.conv2d(grey, average, 1, "VALID")
    variance = tf.nn.conv2d(grey * grey, average, 1, "VALID") - mean * mean
    # Filters have mean 0, so a patch's own mean does not matter.
    found = tf.nn.conv2d(grey, filters, 1, "VALID") / tf.sqrt(tf.maximum(variance, 0.0) + FLAT)
    pooled = tf.nn.avg_pool2d(tf.nn.relu(tf.abs(found) - THRESHOLD), POOL, STRIDE, "SAME")
    return np.asarray(tf.reshape(pooled, (len(images), -1)).numpy(), np.float32)
