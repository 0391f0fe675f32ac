"""Small synthetic data for the contracts, used unless the user names a data set."""

import numpy as np

from fog_flower.architecture import Scalar
from fog_flower.tasks.examples import Array

Part = tuple[Array, Array]

SETTINGS: dict[str, Scalar] = {
    "dataset": f"{__name__}:digits",
    "train-examples": 240,
    "validation-examples": 60,
    "test-examples": 60,
    "end-nodes": 2,
    "num-server-rounds": 3,
    "model": "mlp-narrow",
    "run-name": "contract",
}


def digits() -> tuple[Part, Part]:
    """Return 300 training and 120 test examples whose class is the place of a bright bar.

    Images are uint8 [n, 32, 32, 3], labels are 0 to 9.
    """
    rng = np.random.default_rng(0)

    def part(count: int) -> Part:
        labels = np.arange(count) % 10
        images = rng.integers(0, 120, (count, 32, 32, 3))
        for image, label in zip(images, labels, strict=True):
            image[3 * label : 3 * label + 4] += 120
        return images.astype(np.uint8), labels

    return part(300), part(120)
