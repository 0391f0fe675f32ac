"""Gives each fog node examples of a few classes only."""

from fog_flower.data.partitions._flwr_datasets import number, partitioned
from fog_flower.tasks.examples import Indices


def pathological(groups: Indices, fog_nodes: int, argument: str, seed: int) -> list[Indices]:
    """Give each fog node examples of a few classes only: ``pathological:CLASSES``.

    By flwr-datasets' ``PathologicalPartitioner``.
    """
    num_classes_per_partition = number("pathological", "num_classes_per_partition", argument, int)
    return partitioned(
        "PathologicalPartitioner",
        groups,
        fog_nodes,
        seed,
        num_classes_per_partition=num_classes_per_partition,
    )
