"""Fog node n has e^n times the examples of the first."""

from fog_flower.data.partitions._flwr_datasets import no_argument, partitioned
from fog_flower.tasks.examples import Indices


def exponential(groups: Indices, fog_nodes: int, argument: str, seed: int) -> list[Indices]:
    """Deal as flwr-datasets' ``ExponentialPartitioner`` does."""
    del seed  # nothing is drawn
    no_argument("exponential", argument)
    return partitioned("ExponentialPartitioner", groups, fog_nodes, None)
