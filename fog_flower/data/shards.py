"""Which training image lives on which end node."""

import numpy as np

from fog_flower.data.images import Labels
from fog_flower.data.split import Indices
from fog_flower.errors import UserError
from fog_flower.seeds import generator, seed_for
from fog_flower.simulation_parts import simulation_part
from fog_flower.topology import Topology

IID = "iid"


def assign_shards(
    labels: Labels, topology: Topology, partition: str, seed: int
) -> list[list[Indices]]:
    """Deal the training images to fog nodes, and each fog node's to its end nodes.

    Skew is between fog nodes, which are what the cloud sees; within a fog node the end nodes'
    shards are stratified.

    Parameters
    ----------
    labels : int64 [n]
        Of the training images.
    topology : Topology
    partition : str
        ``iid`` (stratified, sizes differ by at most 1), or a partitioner of flwr-datasets:
        ``dirichlet:0.3``, ``pathological:2``, ``shard:2``, ``linear``, ``square``,
        ``exponential``.
    seed : int

    Returns
    -------
    shards[fog node][end node] : int64 [k]
        Positions in ``labels``; disjoint, together all of them.

    Raises
    ------
    UserError
        If there is no such partition, or too few images for it.
    """
    if len(labels) < topology.total_end_nodes:
        raise UserError(
            f"train-images={len(labels)} is too few for {topology.fog_nodes} fog nodes x "
            f"{topology.end_nodes} end nodes: each end node needs at least one"
        )
    everything = np.arange(len(labels))
    fog_shards = (
        _deal(everything, labels, topology.fog_nodes, seed)
        if partition == IID
        else simulation_part("partitions", f"partition={partition!r}").skewed_shards(
            labels, topology.fog_nodes, partition, seed
        )
    )
    for fog, shard in enumerate(fog_shards):
        if len(shard) < topology.end_nodes:
            raise UserError(
                f"partition={partition!r}: leaves fog node {fog} only {len(shard)} images for "
                f"{topology.end_nodes} end nodes; use less skew or more train-images"
            )
    return [
        _deal(shard, labels, topology.end_nodes, seed_for(seed, "end-nodes", fog))
        for fog, shard in enumerate(fog_shards)
    ]


def _deal(indices: Indices, labels: Labels, hands: int, seed: int) -> list[Indices]:
    """Deal like cards, class by class: stratified, and sizes differ by at most 1."""
    shuffled = generator(seed, "deal").permutation(indices)
    by_class = shuffled[np.argsort(labels[shuffled], kind="stable")]
    return [np.sort(by_class[hand::hands]) for hand in range(hands)]
