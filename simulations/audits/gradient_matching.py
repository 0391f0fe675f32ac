"""Gradient matching: search for images whose gradient resembles dW.

It works for models that do not begin with a Dense layer. The method is that of Geiping et al. 2020,
arXiv:2003.14053: signed gradients of the cosine distance plus total variation. The attacker knows
the labels.
"""

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from fog_flower.keras_weights import load_weights
from fog_flower.tasks.task import Task
from fog_flower.weights import Weights

ITERATIONS = 1000
STEP = 0.1  # in units of a standardised input
DECAYS = (3 / 8, 5 / 8, 7 / 8)  # shares of the iterations after which the step is divided by 10
SMOOTHNESS = 0.03  # weight of the total variation; the cosine distance is between 0 and 2
Rows = npt.NDArray[np.float32]


class GradientMatching:
    """Searches for the images that one step of SGD was trained on.

    Parameters
    ----------
    model : keras.Model
    task : Task
    low, high : float
        Bounds of the inputs.
    """

    def __init__(self, model: keras.Model, task: Task, low: float, high: float) -> None:
        self._model, self._task = model, task
        self._low, self._high = low, high
        self._search = tf.function(self._steps, reduce_retracing=True)

    def __call__(
        self,
        start: Weights,
        delta: Weights,
        targets: npt.NDArray[np.int64],
        rng: np.random.Generator,
    ) -> Rows:
        """Return the images that the search ends with [k, ...].

        Parameters
        ----------
        start, delta : Weights
            W, and the dW of one step. The size of the step does not matter.
        targets : array [k, ...]
            Targets of the images, which the attacker knows.
        rng : numpy.random.Generator
            Draws the start of the search.
        """
        load_weights(self._model, start)
        moves = {id(v): d for v, d in zip(self._model.weights, delta, strict=True)}
        wanted = [tf.constant(-moves[id(v)]) for v in self._model.trainable_variables]
        begin = rng.normal(size=(len(targets), *self._model.input_shape[1:]))
        images = self._search(tf.constant(begin, tf.float32), tf.constant(targets), wanted)
        return np.asarray(images.numpy(), np.float32)

    def _steps(self, images: tf.Tensor, targets: tf.Tensor, wanted: list[tf.Tensor]) -> tf.Tensor:
        first, second = tf.zeros_like(images), tf.zeros_like(images)
        for number in tf.range(ITERATIONS):
            with tf.GradientTape() as tape:
                tape.watch(images)
                cost = self._distance(images, targets, wanted) + SMOOTHNESS * _variation(images)
            slope = tf.sign(tape.gradient(cost, images))
            # Adam (Kingma & Ba 2015) on signs.
            time = tf.cast(number + 1, tf.float32)
            first = 0.9 * first + 0.1 * slope
            second = 0.999 * second + 0.001 * tf.square(slope)
            part = tf.cast(number, tf.float32) / ITERATIONS
            passed = tf.reduce_sum(tf.cast(part >= tf.constant(DECAYS), tf.float32))
            size = STEP * tf.pow(0.1, passed)
            ahead = first / (1.0 - tf.pow(0.9, time))
            scale = tf.sqrt(second / (1.0 - tf.pow(0.999, time))) + 1e-8
            images = tf.clip_by_value(images - size * ahead / scale, self._low, self._high)
        return images

    def _distance(
        self, images: tf.Tensor, targets: tf.Tensor, wanted: list[tf.Tensor]
    ) -> tf.Tensor:
        """Return 1 - the cosine between the gradient of the mean loss and ``wanted``."""
        variables = [variable.value for variable in self._model.trainable_variables]
        with tf.GradientTape() as tape:
            tape.watch(variables)
            losses = self._task.losses(targets, self._model(images, training=False))
            loss = tf.reduce_mean(losses)
        found = tape.gradient(loss, variables, unconnected_gradients="zero")
        inner = sum(tf.reduce_sum(a * b) for a, b in zip(found, wanted, strict=True))
        lengths = [sum(tf.reduce_sum(tf.square(a)) for a in one) for one in (found, wanted)]
        return 1.0 - inner / tf.sqrt(lengths[0] * lengths[1] + 1e-30)


def _variation(images: tf.Tensor) -> tf.Tensor:
    """Return the total variation: mean absolute differences of neighbouring pixels."""
    down = tf.abs(images[:, 1:] - images[:, :-1])
    right = tf.abs(images[:, :, 1:] - images[:, :, :-1])
    return tf.reduce_mean(down) + tf.reduce_mean(right)
