"""Fog node n has n squared times the examples of the first."""

from fog_flower.data.partitions._flwr_datasets import no_argument, partitioned
from fog_flower.tasks.examples import Indices


def square(groups: Indices, fog_nodes: int, argument: str, seed: int) -> list[Indices]:
    """Deal as flwr-datasets' ``SquarePartitioner`` does."""
    del seed  # nothing is drawn
    no_argument("square", argument)
    return partitioned("SquarePartitioner", groups, fog_nodes, None)
