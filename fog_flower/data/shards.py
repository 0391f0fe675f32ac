"""Assigns training examples to end nodes."""

from collections.abc import Sequence

import numpy as np

from fog_flower.causes import in_user_code
from fog_flower.data.partitions import PARTITIONS
from fog_flower.data.partitions._dealing import deal
from fog_flower.errors import UserError
from fog_flower.seeds import seed_for
from fog_flower.tasks.examples import Array, Indices
from fog_flower.tasks.task import Task
from fog_flower.topology import Topology


def assign_shards(
    task: Task, targets: Array, topology: Topology, partition: str, seed: int
) -> list[list[Indices]]:
    """Assign the training examples to fog nodes, and each fog node's to its end nodes.

    Skew is between fog nodes, because the cloud sees only these. Within a fog node, the shards of
    its end nodes are stratified.

    Parameters
    ----------
    task : Task
        Says which examples belong to one group (class).
    targets : array [n, ...]
        Of the training examples.
    topology : Topology
    partition : str
        ``iid`` (stratified, sizes differ by at most 1), another file of ``data/partitions``, or
        ``module:function``.
    seed : int

    Returns
    -------
    shards[fog node][end node] : int64 [k]
        Positions in ``targets``; disjoint. ``pathological`` and ``shard`` may leave some
        unassigned.

    Raises
    ------
    UserError
        If the partition is unknown, has too few examples, or assigns one of them twice.
    """
    if len(targets) < topology.total_end_nodes:
        raise UserError(
            f"train-examples={len(targets)} is too few for {topology.fog_nodes} fog nodes x "
            f"{topology.end_nodes} end nodes: each end node needs at least one"
        )
    groups = np.zeros(len(targets), np.int64)
    for number, members in enumerate(task.groups(targets)):
        groups[members] = number
    fog_shards = _fog_shards(groups, topology.fog_nodes, partition, seed)
    for fog, shard in enumerate(fog_shards):
        if len(shard) < topology.end_nodes:
            raise UserError(
                f"partition={partition!r}: leaves fog node {fog} only {len(shard)} examples for "
                f"{topology.end_nodes} end nodes; use less skew or more train-examples"
            )
    return [
        deal(shard, groups, topology.end_nodes, seed_for(seed, "end-nodes", fog))
        for fog, shard in enumerate(fog_shards)
    ]


def _fog_shards(groups: Indices, fog_nodes: int, partition: str, seed: int) -> list[Indices]:
    named = PARTITIONS.load(partition)
    if named.own:
        with in_user_code(f"partition={partition!r}"):
            return _checked(named.item(groups.copy(), fog_nodes, seed), len(groups), fog_nodes)
    try:
        return _checked(named.item(groups, fog_nodes, named.argument, seed), len(groups), fog_nodes)
    except UserError:
        raise
    except Exception as error:  # raised by a library
        raise UserError(
            f"partition={partition!r}: not possible with {len(groups)} examples on {fog_nodes} fog "
            f"nodes ({error}); use less skew or more train-examples"
        ) from error


def _checked(shares: Sequence[Indices], examples: int, fog_nodes: int) -> list[Indices]:
    """Return the shares as sorted positions, after checking that none is assigned twice."""
    if not isinstance(shares, Sequence | np.ndarray):
        raise TypeError(
            f"it returned {type(shares).__name__}; return a list: the positions of each fog node"
        )
    if len(shares) != fog_nodes:
        raise ValueError(f"it returned {len(shares)} shares for {fog_nodes} fog nodes")
    for fog, share in enumerate(shares):
        if len(share) and np.asarray(share).dtype.kind not in "iu":
            raise ValueError(f"share {fog} must be positions, whole numbers, not {share!r:.60}")
    sorted_shares = [np.sort(np.asarray(share, np.int64)) for share in shares]
    everything = np.concatenate(sorted_shares) if shares else np.zeros(0, np.int64)
    if len(everything) and (everything.min() < 0 or everything.max() >= examples):
        raise ValueError(f"positions must be 0 to {examples - 1}")
    if len(np.unique(everything)) != len(everything):
        raise ValueError("an example was dealt twice")
    return sorted_shares
