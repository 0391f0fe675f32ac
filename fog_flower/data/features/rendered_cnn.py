"""A small network that was trained on rendered digits, which are nobody's data."""

import numpy as np
import numpy.typing as npt

from fog_flower.data.features._grey import of_unit_length, standardised_grey
from fog_flower.data.features._stored import stored
from fog_flower.tasks.examples import Array


def rendered_cnn(images: Array) -> npt.NDArray[np.float32]:
    """Return what its last hidden layer answers to digits: 96 features, of unit length together.

    Three 3x3 convolutions with ReLU and a 2x2 pool each, and a dense layer with ReLU, trained on
    the project's own rendered digits (``python -m simulations.pretraining``). It sees grey images
    of 32 x 32, standardised one by one, and was shown each digit as its negative as well.

    Parameters
    ----------
    images : float32 [n, height, width, channels]
    """
    import tensorflow as tf  # noqa: PLC0415  (seconds)

    arrays = stored("rendered_cnn")
    *convolutions, hidden, _ = zip(arrays[::2], arrays[1::2], strict=True)
    answer = tf.constant(standardised_grey(images))
    for kernel, bias in convolutions:
        answer = tf.nn.relu(tf.nn.conv2d(answer, kernel, 1, "SAME") + bias)
        answer = tf.nn.max_pool2d(answer, 2, 2, "VALID")
    kernel, bias = hidden
    found = tf.nn.relu(tf.reshape(answer, (len(images), kernel.shape[0])) @ kernel + bias)
    return of_unit_length(found.numpy())
