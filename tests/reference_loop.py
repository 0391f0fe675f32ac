"""The paper's protocol as a plain loop without Flower, strategies and actors; slow but readable.

Section 3 of the paper: end nodes own images, normalise them, add noise and ship them; fog nodes
train one epoch from W and send dW = W_local - W; the cloud stores W + mean(dW), weighted by images.
The random draws are those of the project, so that results can be compared.
"""

import dataclasses

import keras
import numpy as np
import tensorflow as tf

from fog_flower.build_model import build_model
from fog_flower.config import RunConfig
from fog_flower.data.load import load_dataset
from fog_flower.data.shards import assign_shards
from fog_flower.data.split import split_dataset
from fog_flower.seeds import generator
from fog_flower.topology import Topology


@dataclasses.dataclass
class ReferenceRun:
    """Weights and metrics of each round."""

    weights: list[list[np.ndarray]] = dataclasses.field(default_factory=list)
    train_loss: list[float] = dataclasses.field(default_factory=list)
    train_accuracy: list[float] = dataclasses.field(default_factory=list)
    local_accuracy: list[float] = dataclasses.field(default_factory=list)
    cloud_accuracy: list[float] = dataclasses.field(default_factory=list)
    test_accuracy: list[float] = dataclasses.field(default_factory=list)


def reference_loop(config: RunConfig) -> ReferenceRun:
    """Run the protocol of ``config``: ``per-epoch``, one epoch a round, mean merging, no gate."""
    data = load_dataset(config)
    split = split_dataset(data, config)
    images, labels = data.train.inputs[split.train], data.train.targets[split.train]
    mean = (images / 255).mean(axis=(0, 1, 2))
    deviation = (images / 255).std(axis=(0, 1, 2))

    def normalise(pixels: np.ndarray) -> np.ndarray:
        return ((pixels / 255 - mean) / deviation).astype(np.float32)

    # Each end node adds noise to its own images; each fog node collects from its end nodes.
    topology = Topology(config.fog_nodes, config.end_nodes)
    shards = assign_shards(data.task, labels, topology, config.partition, config.seed)
    fog_data = []
    for fog, end_shards in enumerate(shards):
        blurred = []
        for end, shard in enumerate(end_shards):
            rng = generator(config.seed, "noise", fog, end)
            noise = rng.standard_normal((len(shard), *images.shape[1:]), dtype=np.float32)
            blurred.append(normalise(images[shard]) + np.float32(config.noise_sigma) * noise)
        fog_data.append((np.concatenate(blurred), labels[np.concatenate(end_shards)]))

    # The cloud has W, and images that are only there.
    model = build_model(config.model, data.spec, data.task, config.seed)
    cloud_weights = model.get_weights()
    run = ReferenceRun()

    def accuracy(weights: list[np.ndarray], indices: np.ndarray) -> float:
        model.set_weights(weights)
        probabilities = model(normalise(data.test.inputs[indices]), training=False).numpy()
        return float((probabilities.argmax(axis=1) == data.test.targets[indices]).mean())

    for server_round in range(1, config.num_server_rounds + 1):
        local_models, losses, accuracies = [], [], []
        for fog, (x, y) in enumerate(fog_data):
            order = generator(config.seed, "shuffle", fog, server_round, 0).permutation(len(y))
            model.set_weights(cloud_weights)
            loss, correct = train_epoch(model, x[order], y[order], config, server_round)
            losses.append(loss)
            accuracies.append(correct)
            local_models.append(model.get_weights())
        total = sum(len(y) for _, y in fog_data)
        deltas = [
            [local - w for local, w in zip(local_model, cloud_weights, strict=True)]
            for local_model in local_models
        ]
        cloud_weights = [
            w + sum(d[i] * (len(y) / total) for d, (_, y) in zip(deltas, fog_data, strict=True))
            for i, w in enumerate(cloud_weights)
        ]
        run.weights.append(cloud_weights)
        run.train_loss.append(float(np.mean(losses)))
        run.train_accuracy.append(float(np.mean(accuracies)))
        run.local_accuracy.append(
            float(np.mean([accuracy(local, split.validation) for local in local_models]))
        )
        run.cloud_accuracy.append(accuracy(cloud_weights, split.validation))
        run.test_accuracy.append(accuracy(cloud_weights, split.test))
    return run


def train_epoch(
    model: keras.Model, x: np.ndarray, y: np.ndarray, config: RunConfig, server_round: int
) -> tuple[float, float]:
    """Train one epoch by hand, w <- w - eta * gradient; return the running loss and accuracy."""
    total_loss, correct, eta = 0.0, 0, config.learning_rate
    if config.learning_rate_schedule == "cosine":
        eta *= np.cos(np.pi / 2 * (server_round - 1) / config.num_server_rounds) ** 2
    for start in range(0, len(y), config.batch_size):
        batch_x, batch_y = (
            x[start : start + config.batch_size],
            y[start : start + config.batch_size],
        )
        with tf.GradientTape() as tape:
            probabilities = model(batch_x, training=True)
            losses = keras.losses.sparse_categorical_crossentropy(batch_y, probabilities)
            loss = tf.reduce_mean(losses)
        variables = model.trainable_variables
        gradients = tape.gradient(loss, [v.value for v in variables])
        for variable, gradient in zip(variables, gradients, strict=True):
            variable.assign(variable - eta * gradient)
        total_loss += float(loss) * len(batch_y)
        correct += int((probabilities.numpy().argmax(axis=1) == batch_y).sum())
    return total_loss / len(y), correct / len(y)
