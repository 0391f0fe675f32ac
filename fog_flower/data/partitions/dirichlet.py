"""Divides each class among the fog nodes by a Dirichlet distribution."""

from fog_flower.data.partitions._flwr_datasets import number, partitioned
from fog_flower.tasks.examples import Indices


def dirichlet(groups: Indices, fog_nodes: int, argument: str, seed: int) -> list[Indices]:
    """Divide each class among the fog nodes by a Dirichlet distribution: ``dirichlet:ALPHA``.

    By flwr-datasets' ``DirichletPartitioner``.
    """
    alpha = number("dirichlet", "alpha", argument, float)
    return partitioned(
        "DirichletPartitioner", groups, fog_nodes, seed, alpha=alpha, min_partition_size=1
    )
