"""Train the network of ``features=rendered-cnn`` on rendered digits: ``python -m`` this.

It takes some minutes, and writes the weights where the map reads them. ``--judge`` says how well
the network itself, which has seen nothing of it, answers on another data set: what ``features=
rendered-cnn`` gives without any example of a run.
"""

import argparse
import base64
import sys
from collections.abc import Sequence

import keras
import numpy as np

from fog_flower.data.dataset import Dataset
from fog_flower.data.features.rendered_cnn import SIDE, WEIGHTS, standardised_grey
from fog_flower.data.load import load_dataset
from fog_flower.records.files import write_json
from fog_flower.tasks.examples import Array
from simulations.overrides import configure

# Of a data seed that no run takes by itself, so that no run is judged on what the network has seen.
DATA = ("dataset=rendered-digits", "data-seed=1000", "train-examples=40000", "test-examples=4000")
EPOCHS, BATCH, RATE, SEED = 8, 128, 2e-3, 0
CONVOLUTIONS, HIDDEN = (32, 64, 96), 96


def main(words: Sequence[str]) -> None:
    """Train the network, or judge the one that is there."""
    parser = argparse.ArgumentParser(description=__doc__, prog="python -m simulations.pretraining")
    parser.add_argument("--judge", nargs="+", metavar="KEY=VALUE", help="data to judge it on")
    judged = parser.parse_args(words).judge
    if judged:
        config = configure("demo", [*judged, "run-name=pretraining"])
        data = load_dataset(config)
        print(f"{_accuracy(_stored(), data):.2%} of {len(data.test)} test digits of {data.name}")
        return
    config = configure("demo", [*DATA, "validation-examples=1", "run-name=pretraining"])
    data = load_dataset(config)
    network = _trained(data)
    arrays = [array.astype("<f2") for array in network.get_weights()]
    told = {
        "made_by": f"python -m simulations.pretraining, keras {keras.__version__}",
        "data": data.name,
        "data_sha256": data.sha256,
        "test_accuracy": _accuracy(network, data),
        "arrays": [
            {"shape": list(a.shape), "float16": base64.b64encode(a.tobytes()).decode()}
            for a in arrays
        ],
    }
    write_json(WEIGHTS, told)
    print(f"{told['test_accuracy']:.2%} of {len(data.test)} test digits; wrote {WEIGHTS}")


def network_of(classes: int) -> keras.Model:
    """Return the network, untrained: the layers that ``rendered_cnn`` walks through, and noise.

    Dropout and moved images are for training alone.
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


def _stored() -> keras.Model:
    from fog_flower.data.features.rendered_cnn import pretrained  # noqa: PLC0415

    network = network_of(10)
    network.set_weights([array for pair in pretrained() for array in pair])
    return network


def _accuracy(network: keras.Model, data: Dataset) -> float:
    answers = network.predict(_seen(data, data.test.inputs), batch_size=500, verbose=0)
    return float((answers.argmax(axis=1) == data.test.targets).mean())


def _seen(data: Dataset, inputs: Array) -> Array:
    return standardised_grey(data.preprocess(inputs))


if __name__ == "__main__":
    main(sys.argv[1:])
