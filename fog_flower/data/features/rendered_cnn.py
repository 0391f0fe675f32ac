"""A small network trained on rendered digits, which are nobody's data."""

import numpy as np
import numpy.typing as npt

from fog_flower.data.features._grey import of_unit_length, standardised_grey
from fog_flower.data.features._stored import stored
from fog_flower.tasks.examples import Array


def rendered_cnn(images: Array) -> npt.NDArray[np.float32]:
    """Return the activations of a CNN's last hidden layer: 96 features, of unit length together.

    The network has three 3x3 convolutions, each with ReLU and a 2x2 pool, and a dense layer with
    ReLU. It was trained on the project's own rendered digits (``python -m
    simulations.pretraining``), and on the negative of each. Its inputs are grey images of 32 x 32,
    each standardised on its own.

    Parameters
    ----------
    images : float32 [n, height, width, channels]
    """
    import tensorflow as tf  # noqa: PLC0415  (takes seconds)

    arrays = stored("rendered_cnn")
    *convolutions, hidden, _ = zip(arrays[::2], arrays[1::2], strict=True)
    answer = tf.constant(standardised_grey(images))
    for kernel, bias in convolutions:
        answer = tf.nn.relu(tf.nn.conv2d(answer, kernel, 1, "SAME") + bias)
        answer = tf.nn.max_pool2d(answer, 2, 2, "VALID")
    kernel, bias = hidden
    found = tf.nn.relu(tf.reshape(answer, (len(images), kernel.shape[0])) @ kernel + bias)
    return of_unit_length(found.numpy())
