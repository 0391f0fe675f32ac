"""Short training in the cloud on validation examples, to find the directions of good updates."""

from collections.abc import Callable

import numpy as np
import tensorflow as tf

from fog_flower.seeds import generator
from fog_flower.tasks.examples import Array, Examples
from fog_flower.tasks.scores import Directions
from fog_flower.weights import Weights
from strategies.compiled_model import CompiledModel

BATCH = 32  # examples per SGD step
EARLY = 4  # round t uses max(1, 4 / t) times the examples
LARGE_BATCH = 500  # examples per batch of a gradient that is summed over all of them


class KerasReferenceTrainer:
    """Trains from W by plain SGD on a few validation examples, drawn anew in every round.

    This is the root of trust of FLTrust (Cao et al. 2021, arXiv:2012.13995, section IV), where the
    cloud trains on a small clean data set of its own. Updates are only compared with the result. It
    is never merged, so the model is not trained on validation examples.

    Parameters
    ----------
    model : CompiledModel
        Its weights are overwritten.
    data : Examples
        The validation examples.
    preprocess : callable
    learning_rate : callable
        Takes a round, returns the clients' learning rate in it.
    examples : int
        Number of examples that a round uses. Round 1 uses four times as many, round 2 twice as
        many, round 3 a third more: early directions say little, and early mistakes cost most.
    seed : int
    """

    def __init__(
        self,
        model: CompiledModel,
        data: Examples,
        preprocess: Callable[[Array], Array],
        *,
        learning_rate: Callable[[int], float],
        examples: int,
        seed: int,
    ) -> None:
        self._model = model
        self._data = data
        self._preprocess = preprocess
        self._learning_rate_of = learning_rate
        self._examples = examples
        self._seed = seed

    def directions(self, weights: Weights, server_round: int) -> Directions:
        """Train one epoch from W on this round's examples, and on each group's alone."""
        order = generator(self._seed, "reference", server_round).permutation(len(self._data))
        chosen = self._data.take(order[: self._count(server_round)])
        inputs = tf.constant(self._preprocess(chosen.inputs))
        rate = self._learning_rate_of(server_round)
        groups = self._model.task.groups(chosen.targets)
        return Directions(
            overall=self._train(weights, inputs, chosen.targets, rate),
            surplus=self._descent_of_surplus(weights, inputs, chosen.targets),
            by_group=[
                self._train(weights, tf.gather(inputs, positions), chosen.targets[positions], rate)
                for positions in groups
                if len(positions)
            ],
        )

    def _count(self, server_round: int) -> int:
        more = max(1.0, EARLY / max(server_round, 1))
        return min(round(self._examples * more), len(self._data))

    def _train(
        self, weights: Weights, inputs: tf.Tensor, targets: Array, learning_rate: float
    ) -> Weights:
        epoch = (inputs, tf.constant(targets))
        return self._model.trained_from(weights, [epoch], learning_rate, BATCH)[0]

    def _descent_of_surplus(self, weights: Weights, inputs: tf.Tensor, targets: Array) -> Weights:
        self._model.load(weights)
        surplus = self._model.task.surplus(targets)
        batches = [
            slice(start, start + LARGE_BATCH) for start in range(0, len(targets), LARGE_BATCH)
        ]
        parts = [self._model.ascent(inputs[batch], surplus[batch]) for batch in batches]
        sums = [np.sum([part.numpy() for part in same], 0) for same in zip(*parts, strict=True)]
        return self._model.for_all_weights(sums, weights)
