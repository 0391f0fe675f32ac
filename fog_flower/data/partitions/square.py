"""Gives fog node n, counted from 0, (n + 1)^2 times the examples of fog node 0."""

from fog_flower.data.partitions._flwr_datasets import no_argument, partitioned
from fog_flower.tasks.examples import Indices


def square(groups: Indices, fog_nodes: int, argument: str, seed: int) -> list[Indices]:
    """Give fog node n, counted from 0, (n + 1)^2 times the examples of fog node 0.

    By flwr-datasets' ``SquarePartitioner``.
    """
    del seed  # nothing is drawn
    no_argument("square", argument)
    return partitioned("SquarePartitioner", groups, fog_nodes, None)
