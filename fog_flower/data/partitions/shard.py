"""Sorts examples by class, cuts them into shards, and gives each fog node a few."""

from fog_flower.data.partitions._flwr_datasets import number, partitioned
from fog_flower.tasks.examples import Indices


def shard(groups: Indices, fog_nodes: int, argument: str, seed: int) -> list[Indices]:
    """Give each fog node a few shards of the examples sorted by class: ``shard:SHARDS``.

    By flwr-datasets' ``ShardPartitioner``; SHARDS is its ``num_shards_per_partition``.
    """
    num_shards_per_partition = number("shard", "num_shards_per_partition", argument, int)
    return partitioned(
        "ShardPartitioner",
        groups,
        fog_nodes,
        seed,
        num_shards_per_partition=num_shards_per_partition,
    )
