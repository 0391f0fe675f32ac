"""Local training of a fog node: SGD on its noisy data, epoch by epoch."""

import dataclasses
import time
from collections.abc import Sequence

import keras
import numpy as np
import tensorflow as tf

from clients.fog_node import NodeData
from clients.proximal import ProximalSGD
from fog_flower.config import EPOCH_MEAN, RunConfig
from fog_flower.seeds import generator, seed_for
from fog_flower.weights import Weights, subtract


@dataclasses.dataclass(frozen=True)
class LocalResult:
    """What a fog node found in one round.

    Attributes
    ----------
    delta : Weights
        dW, as uploaded.
    loss, accuracy : float
        Keras' running training figures of the last epoch, on the node's noisy data.
    seconds : float
        Of training.
    """

    delta: Weights
    loss: float
    accuracy: float
    seconds: float


class Trainer:
    """Trains one model, which is built and compiled once, for whichever node it is asked."""

    def __init__(self, model: keras.Model, config: RunConfig) -> None:
        self._config = config
        self._model = model
        self._optimizer = ProximalSGD(
            learning_rate=config.learning_rate, global_clipnorm=config.clip_norm or None
        )
        model.compile(
            optimizer=self._optimizer,
            loss="sparse_categorical_crossentropy",
            metrics=["accuracy"],
        )

    def train(
        self, start: Weights, data: NodeData, fog_node: int, server_round: int, mu: float = 0.0
    ) -> LocalResult:
        """Train ``local-epochs`` epochs from W and return dW.

        Upload ``per-epoch`` (paper, section 3) returns W_E - W; ``epoch-mean`` (section 4.3)
        returns mean_e(W_e) - W. With one epoch they are the same.

        Parameters
        ----------
        start : Weights
            W, from the cloud.
        data : NodeData
        fog_node, server_round : int
            Key the shuffles, together with the run's seed and the epoch.
        mu : float
            FedProx' proximal weight, from the strategy; 0 is plain SGD.
        """
        began = time.perf_counter()
        config = self._config
        # Reseeded, so that a model with dropout does not depend on what this actor did before.
        keras.utils.set_random_seed(seed_for(config.seed, "train", fog_node, server_round) % 2**32)
        self._model.set_weights(start)
        self._optimizer.anchor(self._model.trainable_variables, mu)
        history: dict[str, list[float]] = {}
        total: Weights = []
        for epoch in range(config.local_epochs):
            history = self._fit_epoch(data, fog_node, server_round, epoch)
            if config.upload == EPOCH_MEAN:
                total = _accumulate(total, self._model.get_weights())
        if config.upload == EPOCH_MEAN:
            end = [
                (t / config.local_epochs).astype(s.dtype) for t, s in zip(total, start, strict=True)
            ]
        else:
            end = self._model.get_weights()
        return LocalResult(
            delta=subtract(end, start),
            loss=float(history["loss"][-1]),
            accuracy=float(history["accuracy"][-1]),
            seconds=time.perf_counter() - began,
        )

    def _fit_epoch(
        self, data: NodeData, fog_node: int, server_round: int, epoch: int
    ) -> dict[str, list[float]]:
        rng = generator(self._config.seed, "shuffle", fog_node, server_round, epoch)
        order = rng.permutation(len(data.labels))
        # Shuffled here, not by Keras, whose order comes from a global generator.
        images, labels = tf.constant(data.images[order]), tf.constant(data.labels[order])
        fitted = self._model.fit(
            images, labels, batch_size=self._config.batch_size, shuffle=False, verbose=0
        )
        return dict(fitted.history)


def _accumulate(total: Sequence[np.ndarray], weights: Weights) -> Weights:
    if not total:
        return [w.astype(np.float64) for w in weights]
    return [t + w for t, w in zip(total, weights, strict=True)]
