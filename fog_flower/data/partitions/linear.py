"""Fog node n has n times the examples of the first."""

from fog_flower.data.partitions._flwr_datasets import no_argument, partitioned
from fog_flower.tasks.examples import Indices


def linear(groups: Indices, fog_nodes: int, argument: str, seed: int) -> list[Indices]:
    """Deal as flwr-datasets' ``LinearPartitioner`` does."""
    del seed  # nothing is drawn
    no_argument("linear", argument)
    return partitioned("LinearPartitioner", groups, fog_nodes, None)
