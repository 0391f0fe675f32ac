"""Evaluation with Keras, in the cloud."""

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from fog_flower.data.images import LabelledImages
from fog_flower.data.normalise import Normaliser
from fog_flower.evaluation import Evaluation
from fog_flower.weights import Weights

BATCH = 500


class KerasEvaluator:
    """Evaluates weights of one model on one set of images.

    Parameters
    ----------
    model : keras.Model
        Its weights are overwritten by every evaluation.
    data : LabelledImages
    normaliser : Normaliser
        Of the training set.
    """

    def __init__(self, model: keras.Model, data: LabelledImages, normaliser: Normaliser) -> None:
        self._model = model
        # On the device once: every round evaluates the same images many times.
        self._images = tf.constant(normaliser(data.images))
        self._labels = tf.constant(data.labels)
        self._step = tf.function(self._evaluate_batch, reduce_retracing=True)

    def __len__(self) -> int:
        return len(self._labels)

    def evaluate(
        self, weights: Weights, indices: npt.NDArray[np.int64] | None = None
    ) -> Evaluation:
        """Evaluate on all images, or on those at ``indices`` [k]."""
        self._model.set_weights(weights)
        images, labels = self._images, self._labels
        if indices is not None:
            images, labels = tf.gather(images, indices), tf.gather(labels, indices)
        loss, correct = 0.0, 0
        for start in range(0, len(labels), BATCH):
            batch_loss, batch_correct = self._step(
                images[start : start + BATCH], labels[start : start + BATCH]
            )
            loss += float(batch_loss)
            correct += int(batch_correct)
        return Evaluation(loss / len(labels), correct / len(labels))

    def _evaluate_batch(self, images: tf.Tensor, labels: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        probabilities = self._model(images, training=False)
        losses = keras.losses.sparse_categorical_crossentropy(labels, probabilities)
        correct = tf.argmax(probabilities, axis=-1) == labels
        return tf.reduce_sum(losses), tf.math.count_nonzero(correct)
