"""A short training in the cloud, on validation images: the direction that updates should share."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from fog_flower.compiled_model import CompiledModel
from fog_flower.data.images import CLASSES, LabelledImages, Labels
from fog_flower.data.normalise import Preprocess
from fog_flower.evaluation import Directions
from fog_flower.seeds import generator
from fog_flower.weights import Weights, subtract

BATCH = 32  # of the training
EARLY = 4  # times the images in round 1, and 4 / round of them until that is 1
LARGE_BATCH = 500  # where only a sum is wanted


class KerasReferenceTrainer:
    """Plain SGD from W over a few validation images, other ones in every round.

    The root of trust of FLTrust (Cao et al. 2021, arXiv:2012.13995, section IV), where the cloud
    trains on a small clean data set of its own. What comes out is compared with, never merged, so
    the model itself is not trained on validation images.

    Parameters
    ----------
    model : CompiledModel
        Its weights are overwritten.
    data : LabelledImages
        The validation images.
    normaliser : callable
    learning_rate : callable
        Of a round: its learning rate, the clients'.
    images : int
        How many of them a round uses; the first takes four times as many, the second twice, the
        third a third more: early on, a direction says little, and what a round gets wrong there
        costs most.
    seed : int
    """

    def __init__(
        self,
        model: CompiledModel,
        data: LabelledImages,
        normaliser: Preprocess,
        *,
        learning_rate: Callable[[int], float],
        images: int,
        seed: int,
    ) -> None:
        self._model = model
        self._data = data
        self._normaliser = normaliser
        self._learning_rate_of = learning_rate
        self._images = images
        self._seed = seed

    def directions(self, weights: Weights, server_round: int) -> Directions:
        """Train one epoch from W on this round's images, and on each digit's alone."""
        order = generator(self._seed, "reference", server_round).permutation(len(self._data))
        chosen = self._data.take(order[: self._count(server_round)])
        images = tf.constant(self._normaliser(chosen.images))
        rate = tf.constant(self._learning_rate_of(server_round))
        by_class = [np.flatnonzero(chosen.labels == digit) for digit in range(CLASSES)]
        return Directions(
            overall=self._train(weights, images, chosen.labels, rate),
            labels=self._descent_of_labels(weights, images, chosen.labels),
            by_class=[
                self._train(weights, tf.gather(images, positions), chosen.labels[positions], rate)
                for positions in by_class
                if len(positions)
            ],
        )

    def _count(self, server_round: int) -> int:
        more = max(1.0, EARLY / max(server_round, 1))
        return min(round(self._images * more), len(self._data))

    def _train(
        self, weights: Weights, images: tf.Tensor, labels: Labels, learning_rate: tf.Tensor
    ) -> Weights:
        self._model.load(weights)
        self._model.epoch(images, tf.constant(labels), learning_rate, BATCH)
        return subtract(self._model.weights(), weights)

    def _descent_of_labels(self, weights: Weights, images: tf.Tensor, labels: Labels) -> Weights:
        self._model.load(weights)
        surplus = np.eye(CLASSES, dtype=np.float32)[labels]
        surplus -= surplus.mean(axis=0)
        batches = [
            slice(start, start + LARGE_BATCH) for start in range(0, len(labels), LARGE_BATCH)
        ]
        parts = [self._model.ascent(images[batch], surplus[batch]) for batch in batches]
        sums = (np.sum([part.numpy() for part in same], 0) for same in zip(*parts, strict=True))
        # Weights that training does not change by gradient (of a BatchNormalization) get zeros.
        model = self._model.model
        ids = {id(variable) for variable in model.trainable_variables}
        return [
            next(sums) if id(variable) in ids else np.zeros_like(weight)
            for variable, weight in zip(model.weights, weights, strict=True)
        ]
