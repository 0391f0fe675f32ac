"""Data poisoning: honest training on spoiled data."""

import dataclasses

import numpy as np

from clients.fog_node import NodeData
from fog_flower.data.images import CLASSES


def flip_labels(data: NodeData, fraction: float, rng: np.random.Generator) -> NodeData:
    """Return the data with label y as 9 - y on a fraction of the images.

    As in Tolpegin et al. 2020 (arXiv:2007.08432) and Fang et al. 2020 (arXiv:1911.11815).
    """
    chosen = rng.random(len(data.labels)) < fraction
    labels = np.where(chosen, CLASSES - 1 - data.labels, data.labels)
    return dataclasses.replace(data, labels=labels)
