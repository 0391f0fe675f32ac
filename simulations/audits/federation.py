"""A small federation, trained with the same code as the fog nodes of a run."""

from collections.abc import Sequence

import numpy as np

from clients.fog_node import NodeData
from clients.local_training import released_update
from fog_flower.config import RunConfig
from fog_flower.weights import Weights, add

STRATEGY = "FedAvg"  # which merges, whatever is configured


def federated(
    config: RunConfig, start: Weights, nodes: Sequence[NodeData], number: int = 0
) -> Weights:
    """Return the final W after all rounds of the configuration, merged by FedAvg.

    Nobody attacks and every update is accepted. The configured gate and strategy are not used.

    Parameters
    ----------
    config : RunConfig
    start : Weights
        W of the first round.
    nodes : sequence of NodeData
    number : int
        Number of the federation. Each has its own shuffles and noise.
    """
    weights, counts = start, [len(node.targets) for node in nodes]
    for server_round in range(1, config.num_server_rounds + 1):
        deltas = [
            released_update(
                config,
                weights,
                node,
                fog_node=number * len(nodes) + place,
                server_round=server_round,
            ).delta
            for place, node in enumerate(nodes)
        ]
        mean = [np.average(arrays, axis=0, weights=counts) for arrays in zip(*deltas, strict=True)]
        weights = add(weights, mean)
    return weights
