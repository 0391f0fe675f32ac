"""A Keras model with the graphs that the cloud runs on it, traced once per process."""

import functools
from collections.abc import Iterable, Sequence

import keras
import numpy as np
import tensorflow as tf

from fog_flower.build_model import build_model
from fog_flower.keras_weights import load_weights, weights_of
from fog_flower.tasks.examples import Spec
from fog_flower.tasks.task import Task
from fog_flower.weights import Weights, subtract


class CompiledModel:
    """Scores inputs, trains an epoch and computes gradients, each in one TensorFlow graph.

    Parameters
    ----------
    model : keras.Model
        Its weights are overwritten by ``load``.
    task : Task
        Defines the loss.
    """

    def __init__(self, model: keras.Model, task: Task) -> None:
        self.model = model
        self.task = task
        self.score = tf.function(self._score, reduce_retracing=True)
        self.epoch = tf.function(self._epoch, reduce_retracing=True)
        self.slope = tf.function(self._slope, reduce_retracing=True)
        self.steps = tf.function(self._steps, reduce_retracing=True)
        self.ascent = tf.function(self._ascent, reduce_retracing=True)

    def load(self, weights: Sequence[np.ndarray]) -> None:
        """Set the model's weights."""
        load_weights(self.model, weights)

    def weights(self) -> Weights:
        """Return the model's current weights."""
        return weights_of(self.model)

    def trained_from(
        self,
        weights: Weights,
        epochs: Iterable[tuple[tf.Tensor, tf.Tensor]],
        learning_rate: float,
        batch: int,
    ) -> tuple[Weights, float]:
        """Train from W by plain SGD over the inputs and targets of each epoch, in their order.

        Returns
        -------
        tuple of Weights and float
            dW, and the mean training loss of the last epoch, measured before each step.
        """
        self.load(weights)
        rate, loss = tf.constant(learning_rate), tf.constant(np.nan)
        for inputs, targets in epochs:
            loss = self.epoch(inputs, targets, rate, batch)
        return subtract(self.weights(), weights), float(loss)

    def for_all_weights(self, gradients: Sequence[np.ndarray], weights: Weights) -> Weights:
        """Expand gradients of the trainable weights to all weights.

        The weights that are not trained, such as those of BatchNormalization, get zeros.
        """
        changed = {id(variable) for variable in self.model.trainable_variables}
        known = iter(gradients)
        return [
            next(known) if id(variable) in changed else np.zeros(weight.shape, np.float32)
            for variable, weight in zip(self.model.weights, weights, strict=True)
        ]

    def _variables(self) -> list[tf.Variable]:
        return [variable.value for variable in self.model.trainable_variables]

    def _score(self, inputs: tf.Tensor) -> tf.Tensor:
        """Return the task's answers [k, outputs]."""
        return self.task.answers(self.model(inputs, training=False))

    def _epoch(
        self, inputs: tf.Tensor, targets: tf.Tensor, learning_rate: tf.Tensor, batch: tf.Tensor
    ) -> tf.Tensor:
        """Run plain SGD over all examples in their order, and return their mean loss."""
        count = tf.shape(targets)[0]
        total = tf.constant(0.0)
        for start in tf.range(0, count, batch):
            stop = tf.minimum(start + batch, count)
            loss = self._descend(inputs[start:stop], targets[start:stop], learning_rate)
            total += loss * tf.cast(stop - start, tf.float32)
        return total / tf.cast(count, tf.float32)

    def _steps(
        self, inputs: tf.Tensor, targets: tf.Tensor, learning_rate: tf.Tensor, batch: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Train on the batches in their order; return the mean loss before, and the highest."""
        before = self._mean_loss(inputs, targets)
        highest = before
        for start in tf.range(0, tf.shape(targets)[0], batch):
            part = slice(start, start + batch)
            self._descend(inputs[part], targets[part], learning_rate)
            now = self._mean_loss(inputs, targets)
            highest = tf.maximum(highest, tf.where(tf.math.is_nan(now), np.float32(np.inf), now))
        return before, highest

    def _mean_loss(self, inputs: tf.Tensor, targets: tf.Tensor) -> tf.Tensor:
        losses = self.task.losses(targets, self.model(inputs, training=False))
        return tf.cast(tf.reduce_mean(losses), tf.float32)

    def _descend(
        self, inputs: tf.Tensor, targets: tf.Tensor, learning_rate: tf.Tensor
    ) -> tf.Tensor:
        with tf.GradientTape() as tape:
            outputs = self.model(inputs, training=False)
            loss = tf.reduce_mean(self.task.losses(targets, outputs))
        variables = self._variables()
        for variable, gradient in zip(variables, _gradients(tape, loss, variables), strict=True):
            variable.assign_sub(tf.cast(learning_rate, gradient.dtype) * gradient)
        return tf.cast(loss, tf.float32)

    def _slope(
        self, inputs: tf.Tensor, targets: tf.Tensor, importance: tf.Tensor, sharpness: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        """Return answers [k, outputs], losses [k], and the gradient of their sum.

        The sum is weighted by ``importance`` [k]. The last gradient is that by the sharpness.
        """
        variables = [*self._variables(), sharpness]
        with tf.GradientTape() as tape:
            tape.watch(sharpness)
            outputs = self.model(inputs, training=False)
            if hasattr(self.task, "sharpened"):
                losses = self.task.sharpened(targets, outputs, sharpness)
            else:
                losses = self.task.losses(targets, outputs)
            loss = tf.reduce_sum(losses * tf.cast(importance, losses.dtype))
        return self.task.answers(outputs), losses, _gradients(tape, loss, variables)

    def _ascent(self, inputs: tf.Tensor, shares: tf.Tensor) -> list[tf.Tensor]:
        """Return the gradient of the sum of shares [k, outputs] * answers."""
        with tf.GradientTape() as tape:
            told = tf.reduce_sum(shares * self._score(inputs))
        return _gradients(tape, told, self._variables())


def _gradients(
    tape: tf.GradientTape, value: tf.Tensor, variables: list[tf.Variable]
) -> list[tf.Tensor]:
    """Return gradients as dense tensors, also of embeddings; zeros of unconnected variables."""
    zeros = tf.UnconnectedGradients.ZERO
    found = tape.gradient(value, variables, unconnected_gradients=zeros)
    return [tf.convert_to_tensor(gradient) for gradient in found]


@functools.lru_cache(maxsize=1)
def shared_model(reference: str, spec: Spec, task: Task, precision: str) -> CompiledModel:
    """Return the compiled model of this process, which consecutive runs of a sweep share."""
    return CompiledModel(build_model(reference, spec, task, 0, precision), task)
