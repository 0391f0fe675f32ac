"""The training data of a simulation, and which end node owns which examples."""

import dataclasses
import functools

from fog_flower.config import RunConfig
from fog_flower.data.dataset import Dataset
from fog_flower.data.load import load_dataset, preprocess_of
from fog_flower.data.preprocess import Preprocess
from fog_flower.data.shards import assign_shards
from fog_flower.data.split import split_dataset
from fog_flower.tasks.examples import Examples, Indices
from fog_flower.topology import Topology


@dataclasses.dataclass(frozen=True)
class Field:
    """The training data of a run, as a simulation distributes it to its end nodes.

    Attributes
    ----------
    dataset : Dataset
    train : Examples
    shards : [fog node][end node] -> int64 [k], positions in ``train``
    preprocess : Preprocess
        Its constants are known to every tier.
    """

    dataset: Dataset
    train: Examples
    shards: list[list[Indices]]
    preprocess: Preprocess

    def seen(self, places: Indices) -> Examples:
        """Return the training examples at ``places`` [k] as a model sees them, preprocessed."""
        examples = self.train.take(places)
        return Examples(self.preprocess(examples.inputs), examples.targets)


@functools.lru_cache(maxsize=1)
def prepare_field(config: RunConfig) -> Field:
    """Load, split and distribute the training data, identically in every process of a run."""
    dataset = load_dataset(config)
    train = dataset.train.take(split_dataset(dataset, config).train)
    shards = assign_shards(
        dataset.task,
        train.targets,
        Topology(config.fog_nodes, config.end_nodes),
        config.partition,
        config.seed,
    )
    return Field(dataset, train, shards, preprocess_of(config, dataset, train))
