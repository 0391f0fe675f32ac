"""What the cloud receives of fog nodes: the dW of one, or with masks the sum of a group's only."""

import math
from collections.abc import Sequence

import numpy as np

from clients.fog_node import NodeData
from clients.local_training import released_update
from fog_flower.config import RunConfig
from fog_flower.masked import decode, encode
from fog_flower.tasks.examples import Examples
from fog_flower.weights import Weights
from simulations.audits.few_examples import node_of
from simulations.audits.finding import AuditFinding


def group_size(config: RunConfig) -> int:
    """Return the fewest fog nodes whose dW the cloud can only read together; 1 without masks."""
    return max(config.mask_groups, 1)


def each_of_group(config: RunConfig) -> str:
    """Return what an attack's name says after what each node trained on; empty without masks."""
    size = group_size(config)
    return f" at each of {size} nodes (masked sum)" if size > 1 else ""


def of_masks(config: RunConfig, audit: str) -> list[AuditFinding]:
    """Return a row that says what is attacked in a run with masks; none without them."""
    size = group_size(config)
    if size == 1:
        return []
    told = (
        f"mask-groups={size}: no dW of a single node is sent, so sums over {size} nodes are "
        "attacked; who colludes with all other nodes of a group sees what mask-groups=0 shows"
    )
    return [AuditFinding(audit, told, "what is attacked", math.nan)]


def split_in_group(config: RunConfig, examples: Examples) -> list[NodeData]:
    """Return the data of the nodes of a group, with equal parts of the examples in their order."""
    parts = np.array_split(np.arange(len(examples)), group_size(config))
    return [node_of(examples.take(part)) for part in parts]


def received_update(
    config: RunConfig,
    start: Weights,
    group: Sequence[NodeData],
    *,
    number: int = 0,
    server_round: int = 1,
) -> Weights:
    """Return what the cloud reads after a round: a node's dW, or the mean of the dW of its group.

    The mean is weighted by examples, and rounded to fixed point as in a run. Masks are not added:
    they cancel exactly.

    Parameters
    ----------
    config : RunConfig
    start : Weights
        W.
    group : sequence of NodeData
        As many as ``group_size``.
    number : int
        Number of the group. Nodes of different groups have their own shuffles and noise.
    server_round : int
    """
    deltas = [
        released_update(
            config,
            start,
            node,
            fog_node=number * len(group) + place,
            server_round=server_round,
        ).delta
        for place, node in enumerate(group)
    ]
    if not config.mask_groups:
        return deltas[0]
    examples = sum(len(node.targets) for node in group)
    encoded = [
        encode(delta, len(node.targets) / examples, len(group))[0]
        for delta, node in zip(deltas, group, strict=True)
    ]
    totals = [
        np.add.reduce(arrays, dtype=np.uint32)  # modulo 2^32
        for arrays in zip(*encoded, strict=True)
    ]
    return decode(totals, 1.0)
