"""Which training image lives on which end node."""

from typing import Any

import numpy as np

from fog_flower.data.images import Labels
from fog_flower.data.split import Indices
from fog_flower.errors import UserError
from fog_flower.seeds import generator, seed_for
from fog_flower.topology import Topology

IID = "iid"
# name -> (partitioner of flwr-datasets, its argument that follows the colon, the argument's type)
SKEWED: dict[str, tuple[str, str, type]] = {
    "dirichlet": ("DirichletPartitioner", "alpha", float),
    "pathological": ("PathologicalPartitioner", "num_classes_per_partition", int),
    "shard": ("ShardPartitioner", "num_shards_per_partition", int),
    "linear": ("LinearPartitioner", "", int),
    "square": ("SquarePartitioner", "", int),
    "exponential": ("ExponentialPartitioner", "", int),
}
BY_LABEL = ("dirichlet", "pathological", "shard")


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
        else _skewed(labels, topology.fog_nodes, partition, seed)
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


def _skewed(labels: Labels, fog_nodes: int, partition: str, seed: int) -> list[Indices]:
    name, _, argument = partition.partition(":")
    if name not in SKEWED:
        known = ", ".join(key + (":VALUE" if SKEWED[key][1] else "") for key in SKEWED)
        raise UserError(f"partition={partition!r}: there are {IID}, {known}")
    partitioner = _partitioner(name, argument, partition, fog_nodes, seed)

    # flwr-datasets needs only labels; the images stay where they are (2 s to import: only here).
    import datasets  # noqa: PLC0415

    partitioner.dataset = datasets.Dataset.from_dict(
        {"label": labels.tolist(), "index": list(range(len(labels)))}
    )
    try:
        return [
            np.sort(np.asarray(partitioner.load_partition(fog)["index"], dtype=np.int64))
            for fog in range(fog_nodes)
        ]
    except ValueError as error:
        raise UserError(
            f"partition={partition!r}: not possible with {len(labels)} images on {fog_nodes} fog "
            f"nodes ({str(error).splitlines()[0]}); use less skew or more train-images"
        ) from error


def _partitioner(name: str, argument: str, partition: str, fog_nodes: int, seed: int) -> Any:
    import flwr_datasets.partitioner as partitioners  # noqa: PLC0415

    class_name, parameter, kind = SKEWED[name]
    options: dict[str, Any] = {"num_partitions": fog_nodes}
    if parameter:
        try:
            options[parameter] = kind(argument)
        except ValueError as error:
            raise UserError(
                f"partition={partition!r}: write it as {name}:{parameter.upper()} with "
                f"{'a number' if kind is float else 'a whole number'}, e.g. {name}:2"
            ) from error
    elif argument:
        raise UserError(f"partition={partition!r}: {name} takes no value")
    if name in BY_LABEL:
        options |= {"partition_by": "label", "seed": seed_for(seed, "partition") % 2**32}
        options |= {} if name != "dirichlet" else {"min_partition_size": 1}
    try:
        return getattr(partitioners, class_name)(**options)
    except ValueError as error:
        raise UserError(f"partition={partition!r}: {error}") from error
