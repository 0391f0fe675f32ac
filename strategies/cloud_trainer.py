"""Trains the cloud's own update like a client's, on the cloud's own labelled examples."""

from collections.abc import Callable

import tensorflow as tf

from fog_flower.seeds import generator
from fog_flower.tasks.examples import Array, Examples
from fog_flower.weights import Weights
from strategies.compiled_model import CompiledModel
from strategies.updates import Update, own_update


class CloudTrainer:
    """Trains from W as a fog node does: the same batches, epochs and learning rate.

    Parameters
    ----------
    model : CompiledModel
        Its weights are overwritten.
    data : Examples
        The cloud's own (``cloud-examples``). No end node has them, and no decision is based on
        them.
    preprocess : callable
    learning_rate : callable
        Takes a round, returns its learning rate.
    batch_size, epochs : int
        Those of the clients.
    seed : int
        Seeds the shuffles.
    """

    def __init__(
        self,
        model: CompiledModel,
        data: Examples,
        preprocess: Callable[[Array], Array],
        *,
        learning_rate: Callable[[int], float],
        batch_size: int,
        epochs: int,
        seed: int,
    ) -> None:
        self._model = model
        self._inputs = tf.constant(preprocess(data.inputs))
        self._targets = tf.constant(data.targets)
        self._learning_rate_of = learning_rate
        self._batch_size = batch_size
        self._epochs = epochs
        self._seed = seed

    def __len__(self) -> int:
        return len(self._targets)

    def update(self, weights: Weights, server_round: int) -> Update:
        """Train from W, and return dW with its training loss."""
        orders = (
            generator(self._seed, "cloud-shuffle", server_round, epoch).permutation(len(self))
            for epoch in range(self._epochs)
        )
        epochs = (
            (tf.gather(self._inputs, order), tf.gather(self._targets, order)) for order in orders
        )
        rate = self._learning_rate_of(server_round)
        delta, loss = self._model.trained_from(weights, epochs, rate, self._batch_size)
        return own_update(delta, len(self), loss)
