"""Gives fog node n, counted from 0, e^n times the examples of fog node 0."""

from fog_flower.data.partitions._flwr_datasets import no_argument, partitioned
from fog_flower.tasks.examples import Indices


def exponential(groups: Indices, fog_nodes: int, argument: str, seed: int) -> list[Indices]:
    """Give fog node n, counted from 0, e^n times the examples of fog node 0.

    By flwr-datasets' ``ExponentialPartitioner``.
    """
    del seed  # nothing is drawn
    no_argument("exponential", argument)
    return partitioned("ExponentialPartitioner", groups, fog_nodes, None)
