"""What lives in the field before any round: the training images and which end node owns which."""

import dataclasses

from fog_flower.config import RunConfig
from fog_flower.data.images import LabelledImages
from fog_flower.data.normalise import Normaliser, fit_normaliser
from fog_flower.data.shards import assign_shards
from fog_flower.data.sources import load_dataset
from fog_flower.data.split import Indices, split_dataset
from fog_flower.topology import Topology


@dataclasses.dataclass(frozen=True)
class Field:
    """The training data of a run, as a simulation deals it to its end nodes.

    Attributes
    ----------
    train : LabelledImages
    shards : [fog node][end node] -> int64 [k], positions in ``train``
    normaliser : Normaliser
        The constants of the training set, which every tier knows.
    """

    train: LabelledImages
    shards: list[list[Indices]]
    normaliser: Normaliser


def prepare_field(config: RunConfig) -> Field:
    """Load, split and deal the training data; the same in every process of a run."""
    dataset = load_dataset(config)
    train = dataset.train.take(split_dataset(dataset, config).train)
    shards = assign_shards(
        train.labels, Topology(config.fog_nodes, config.end_nodes), config.partition, config.seed
    )
    return Field(train, shards, fit_normaliser(train.images))
