"""Evaluation with Keras, in the cloud."""

import numpy as np
import tensorflow as tf

from fog_flower.compiled_model import CompiledModel
from fog_flower.data.images import LabelledImages
from fog_flower.data.normalise import Preprocess
from fog_flower.evaluation import Evaluation, Indices, Scores
from fog_flower.weights import Weights

BATCH = 500


class KerasEvaluator:
    """Evaluates weights of one model on one set of images.

    Parameters
    ----------
    model : CompiledModel
        Its weights are overwritten by every evaluation.
    data : LabelledImages
    normaliser : callable
        Of the training set.
    """

    def __init__(self, model: CompiledModel, data: LabelledImages, normaliser: Preprocess) -> None:
        self._model = model
        # On the device once: every round evaluates the same images many times.
        self._images = tf.constant(normaliser(data.images))
        self._labels = data.labels

    def __len__(self) -> int:
        return len(self._labels)

    def evaluate(self, weights: Weights, indices: Indices | None = None) -> Evaluation:
        """Return loss and accuracy on all images, or on those at ``indices`` [k]."""
        return self.score(weights, indices).mean()

    def score(self, weights: Weights, indices: Indices | None = None) -> Scores:
        """Score each of all images, or of those at ``indices`` [k], in their order."""
        self._model.load(weights)
        images, labels = self._images, self._labels
        if indices is not None:
            images, labels = tf.gather(images, indices), labels[indices]
        batches = [
            self._model.score(images[start : start + BATCH]).numpy()
            for start in range(0, len(labels), BATCH)
        ]
        return Scores(np.concatenate(batches), labels)
