"""A small network that was trained on rendered digits, which are nobody's data."""

import base64
import functools
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fog_flower.tasks.examples import Array

WEIGHTS = Path(__file__).with_suffix(".json")
SIDE = 32  # pixels
LUMA = (0.299, 0.587, 0.114)  # of red, green and blue (ITU-R BT.601)
FAINT = 0.05  # standardised units of deviation below which an image counts as flat


def rendered_cnn(images: Array) -> npt.NDArray[np.float32]:
    """Return what its last hidden layer answers: 96 features, for digits of any kind.

    Three 3x3 convolutions with ReLU and a 2x2 pool each, and a dense layer with ReLU, trained on
    the project's own rendered digits (``python -m simulations.pretraining``). It sees grey images
    of 32 x 32, standardised one by one, and was shown each digit as its negative as well.

    Parameters
    ----------
    images : float32 [n, height, width, channels]
    """
    import tensorflow as tf  # noqa: PLC0415  (seconds)

    *convolutions, hidden = pretrained()[:-1]
    answer = tf.constant(standardised_grey(images))
    for kernel, bias in convolutions:
        answer = tf.nn.relu(tf.nn.conv2d(answer, kernel, 1, "SAME") + bias)
        answer = tf.nn.max_pool2d(answer, 2, 2, "VALID")
    kernel, bias = hidden
    found = tf.nn.relu(tf.reshape(answer, (len(images), kernel.shape[0])) @ kernel + bias)
    return np.asarray(found.numpy(), np.float32)


def standardised_grey(images: Array) -> npt.NDArray[np.float32]:
    """Return images as the network takes them, float32 [n, 32, 32, 1]."""
    import tensorflow as tf  # noqa: PLC0415

    channels = images.shape[-1]
    shares = np.asarray(LUMA if channels == len(LUMA) else [1 / channels] * channels, np.float32)
    grey = (np.asarray(images, np.float32) @ shares)[..., None]
    if grey.shape[1:3] != (SIDE, SIDE):
        grey = tf.image.resize(grey, (SIDE, SIDE)).numpy()
    grey -= grey.mean(axis=(1, 2), keepdims=True)
    return np.asarray(grey / (grey.std(axis=(1, 2), keepdims=True) + FAINT), np.float32)


@functools.cache
def pretrained() -> list[tuple[Array, Array]]:
    """Return kernel and bias of each layer; the last one answers with digits, and is not used."""
    told = json.loads(WEIGHTS.read_text())["arrays"]
    arrays = [
        np.frombuffer(base64.b64decode(one["float16"]), "<f2").reshape(one["shape"]).astype("f4")
        for one in told
    ]
    return list(zip(arrays[::2], arrays[1::2], strict=True))
