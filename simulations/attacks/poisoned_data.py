"""Data poisoning: honest training on spoiled data."""

import dataclasses

import numpy as np
import numpy.typing as npt

from clients.fog_node import NodeData
from fog_flower.data.images import CLASSES
from simulations.attacks.trigger import TARGET, stamp


def flip_labels(data: NodeData, fraction: float, rng: np.random.Generator) -> NodeData:
    """Return the data with label y as 9 - y on a fraction of the images.

    As in Tolpegin et al. 2020 (arXiv:2007.08432) and Fang et al. 2020 (arXiv:1911.11815).
    """
    chosen = rng.random(len(data.labels)) < fraction
    labels = np.where(chosen, CLASSES - 1 - data.labels, data.labels)
    return dataclasses.replace(data, labels=labels)


def plant_backdoor(
    data: NodeData, fraction: float, white: npt.NDArray[np.float32], rng: np.random.Generator
) -> NodeData:
    """Return the data with the trigger and its target on a fraction of the images.

    As in Gu et al. 2017 (arXiv:1708.06733). ``white`` [1, 1, 1, 3] is in the images' units.
    """
    chosen = np.flatnonzero(rng.random(len(data.labels)) < fraction)
    images, labels = np.array(data.images), data.labels.copy()
    images[chosen] = stamp(images[chosen], white)
    labels[chosen] = TARGET
    return dataclasses.replace(data, images=images, labels=labels)
