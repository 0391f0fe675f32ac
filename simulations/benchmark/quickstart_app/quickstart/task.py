"""Model and data, in one file as in the quickstart."""

import functools

import keras
import numpy as np
from keras import layers


def load_model(name: str, learning_rate: float) -> keras.Model:
    """Build and compile the paper's CNN or MLP."""
    hidden: list[keras.Layer] = []
    if name == "cnn":
        for filters in (256, 128, 64):
            hidden += [layers.Conv2D(filters, (3, 3), activation="relu"), layers.MaxPooling2D()]
        hidden.append(layers.Flatten())
    else:
        hidden.append(layers.Flatten())
        hidden += [layers.Dense(width, activation="relu") for width in (1024, 256, 128)]
    model = keras.Sequential(
        [keras.Input((32, 32, 3)), *hidden, layers.Dense(10, activation="softmax")]
    )
    model.compile(
        optimizer=keras.optimizers.SGD(learning_rate),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


@functools.lru_cache(maxsize=1)
def _read(path: str) -> tuple[np.ndarray, np.ndarray]:
    with np.load(path) as file:
        return file["images"], file["labels"]


def load_data(path: str, partition_id: int, partitions: int) -> tuple[np.ndarray, np.ndarray]:
    """Return a node's images, which stay in memory; the quickstart decodes them each time."""
    images, labels = _read(path)
    return images[partition_id::partitions], labels[partition_id::partitions]
