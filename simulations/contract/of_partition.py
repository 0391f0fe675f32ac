"""The contract of a partition."""

import numpy as np

from fog_flower.config import RunConfig
from fog_flower.data.load import load_dataset
from fog_flower.data.shards import assign_shards
from fog_flower.tasks.examples import Indices
from fog_flower.topology import Topology
from simulations.contract.finding import BrokenContractError, Checks, check_unchanged


def checks(config: RunConfig) -> Checks:
    """Return the checks of the partition that ``config`` names."""
    dataset = load_dataset(config)

    def dealt(fog_nodes: int) -> list[Indices]:
        topology = Topology(fog_nodes, 2)
        targets = dataset.train.targets
        shards = assign_shards(dataset.task, targets, topology, config.partition, config.seed)
        return [np.concatenate(fog) for fog in shards]

    def deals() -> None:
        for fog_nodes in sorted({1, config.fog_nodes, config.fog_nodes + 2}):
            dealt(fog_nodes)

    def is_repeatable() -> None:
        pairs = zip(dealt(config.fog_nodes), dealt(config.fog_nodes), strict=True)
        if not all(np.array_equal(one, other) for one, other in pairs):
            raise BrokenContractError(
                "called twice, it returned other shares: draw with the given seed"
            )

    def changes_nothing() -> None:
        check_unchanged(
            [dataset.train.targets],
            lambda: dealt(config.fog_nodes),
            "it changed the groups in place",
        )

    return {
        "deals each example at most once, and some to every fog node": deals,
        "assigns the same twice": is_repeatable,
        "does not change what it is given": changes_nothing,
    }
