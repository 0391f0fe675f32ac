"""Compute the constants of feature maps from rendered digits.

Usage: ``python -m simulations.pretraining``. ``patches`` takes seconds, ``rendered-cnn`` some
minutes. Both are written where the feature maps read them. ``--judge`` measures the accuracy of the
network of ``rendered-cnn`` on another data set that it has not seen, so without training on any
example of a run.
"""

import argparse
import base64
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import keras
import numpy as np

from fog_flower.data.dataset import Dataset
from fog_flower.data.features._grey import SIDE, standardised_grey
from fog_flower.data.features._stored import place, stored
from fog_flower.data.features.patches import answers
from fog_flower.data.load import load_dataset
from fog_flower.records.files import write_json
from fog_flower.tasks.examples import Array
from simulations.overrides import configure

# A data seed that no run uses by default, so that no run is evaluated on data a map has seen.
DATA = ("dataset=rendered-digits", "data-seed=1000", "train-examples=40000", "test-examples=4000")
SEED = 0
EPOCHS, BATCH, RATE = 8, 128, 2e-3
CONVOLUTIONS, HIDDEN = (32, 64, 96), 96
FILTERS, PATCH, TRIED = 100, 6, 40_000
LEAST_CONTRAST = 0.15  # standard deviation of a patch, relative to that of its image
WHITENED = 0.1  # added to the variances of normalised patches before whitening divides by them
MEASURED = 2_000  # digits on which the features are standardised
LEAST_DEVIATION = 1e-3  # added to the deviation of a feature, relative to that of all features


def main(words: Sequence[str]) -> None:
    """Compute the constants of a feature map, or evaluate the stored network."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m simulations.pretraining")
    parser.add_argument("map", nargs="?", choices=("patches", "rendered-cnn"), default="patches")
    parser.add_argument("--judge", nargs="+", metavar="KEY=VALUE", help="data to judge it on")
    parser.add_argument("--out", type=Path, help="a JSON file for what --judge finds")
    asked = parser.parse_args(words)
    if asked.judge:
        data = load_dataset(configure("demo", [*asked.judge, "run-name=pretraining"]))
        network = network_of(10)
        network.set_weights(stored("rendered_cnn"))
        found = _accuracy(network, data)
        if asked.out:
            told = {"data": data.name, "test_examples": len(data.test), "accuracy": found}
            write_json(asked.out, told)
        print(f"{found:.2%} of {len(data.test)} test digits of {data.name}")
        return
    data = load_dataset(configure("demo", [*DATA, "validation-examples=1", "run-name=pretraining"]))
    facts: dict[str, Any] = {
        "made_by": f"python -m simulations.pretraining {asked.map}",
        "data": data.name,
        "data_sha256": data.sha256,
    }
    if asked.map == "patches":
        print(f"wrote {_store('patches', _patches(data), facts)}")
        return
    network = _trained(data)
    facts["test_accuracy"] = _accuracy(network, data)
    path = _store("rendered_cnn", network.get_weights(), facts)
    print(f"{facts['test_accuracy']:.2%} of {len(data.test)} test digits; wrote {path}")


def network_of(classes: int) -> keras.Model:
    """Return the untrained network: the layers that ``rendered_cnn`` applies, and regularisation.

    Dropout and random translation are active only in training.
    """
    layers = [keras.Input((SIDE, SIDE, 1)), keras.layers.RandomTranslation(0.06, 0.06, "nearest")]
    for filters in CONVOLUTIONS:
        layers += [
            keras.layers.Conv2D(filters, 3, padding="same", activation="relu"),
            keras.layers.MaxPooling2D(2),
        ]
    return keras.Sequential(
        [
            *layers,
            keras.layers.Flatten(),
            keras.layers.Dropout(0.4),
            keras.layers.Dense(HIDDEN, activation="relu"),
            keras.layers.Dropout(0.3),
            keras.layers.Dense(classes),
        ]
    )


def _trained(data: Dataset) -> keras.Model:
    keras.utils.set_random_seed(SEED)
    network = network_of(10)
    images, labels = _seen(data, data.train.inputs), data.train.targets
    steps = EPOCHS * -(-len(labels) // BATCH)
    network.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.CosineDecay(RATE, steps)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    rng = np.random.default_rng(SEED)
    for epoch in range(EPOCHS):
        signs = rng.choice([-1.0, 1.0], (len(labels), 1, 1, 1)).astype(np.float32)
        network.fit(images * signs, labels, batch_size=BATCH, verbose=0)
        print(f"epoch {epoch + 1} of {EPOCHS}: {_accuracy(network, data):.2%}", flush=True)
    return network


def _patches(data: Dataset) -> list[Array]:
    """Return filters [6, 6, 1, k], and mean and standard deviation of their features [25 k]."""
    rng = np.random.default_rng(SEED)
    images = _seen(data, data.train.inputs[:TRIED])
    rows, columns = rng.integers(0, SIDE - PATCH + 1, (2, len(images)))
    places = zip(images, rows, columns, strict=True)
    found = np.stack([i[r : r + PATCH, c : c + PATCH].reshape(-1) for i, r, c in places])
    found -= found.mean(axis=1, keepdims=True)
    found = found[found.std(axis=1) > LEAST_CONTRAST]
    found /= found.std(axis=1, keepdims=True)
    variances, basis = np.linalg.eigh(np.cov(found.T))
    whitening = basis @ np.diag(1 / np.sqrt(variances + WHITENED)) @ basis.T
    chosen = found[rng.permutation(len(found))[:FILTERS]] @ whitening
    chosen /= np.linalg.norm(chosen, axis=1, keepdims=True)
    filters = whitening @ chosen.T
    filters -= filters.mean(axis=0, keepdims=True)
    filters = filters.reshape(PATCH, PATCH, 1, FILTERS).astype(np.float16).astype(np.float32)
    features = answers(data.preprocess(data.train.inputs[:MEASURED]), filters)
    least = LEAST_DEVIATION * float(features.std())
    return [filters, features.mean(axis=0), features.std(axis=0) + least]


def _store(name: str, arrays: Sequence[Array], facts: Mapping[str, Any]) -> Path:
    """Write the arrays of a feature map as float16, with the facts about their origin."""
    halves = [np.asarray(array, "<f2") for array in arrays]
    told = [
        {"shape": list(one.shape), "float16": base64.b64encode(one.tobytes()).decode()}
        for one in halves
    ]
    write_json(place(name), {**facts, "arrays": told})
    return place(name)


def _accuracy(network: keras.Model, data: Dataset) -> float:
    found = network.predict(_seen(data, data.test.inputs), batch_size=500, verbose=0)
    return float((found.argmax(axis=1) == data.test.targets).mean())


def _seen(data: Dataset, inputs: Array) -> Array:
    return standardised_grey(data.preprocess(inputs))


if __name__ == "__main__":
    main(sys.argv[1:])
