"""Examples are sorted by class, cut into shards, and each fog node gets a few."""

from fog_flower.data.partitions._flwr_datasets import number, partitioned
from fog_flower.tasks.examples import Indices


def shard(groups: Indices, fog_nodes: int, argument: str, seed: int) -> list[Indices]:
    """Deal as flwr-datasets' ``ShardPartitioner`` does; ``shard:NUM_SHARDS_PER_PARTITION``."""
    num_shards_per_partition = number("shard", "num_shards_per_partition", argument, int)
    return partitioned(
        "ShardPartitioner",
        groups,
        fog_nodes,
        seed,
        num_shards_per_partition=num_shards_per_partition,
    )
