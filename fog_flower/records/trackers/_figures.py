"""The numbers of a round that trackers log."""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

Figures = dict[str, float]
_OF_A_NODE = {
    "train_loss": "train_loss",
    "train_accuracy": "train_accuracy",
    "local_validation_loss": "loss_alone",
    "local_validation_accuracy": "accuracy_alone",
    "update_norm": "update_norm",
    "accepted": "accepted",
}


def of_cloud(row: Mapping[str, Any]) -> Figures:
    """Return the finite numbers of a round's row of ``rounds.csv``."""
    return _finite({name: value for name, value in row.items() if name != "round"})


def of_nodes(updates: Sequence[Mapping[str, Any]]) -> Iterator[tuple[str, Figures]]:
    """Yield ``fog-node-N`` and that node's finite numbers; ``accepted`` is 1 or 0."""
    for update in updates:
        figures = {name: update[column] for name, column in _OF_A_NODE.items()}
        yield f"fog-node-{update['fog_node']}", _finite(figures)


def of_round(row: Mapping[str, Any], updates: Sequence[Mapping[str, Any]]) -> Figures:
    """Return the numbers of cloud and fog nodes, a node's as ``fog-node-N/name``."""
    figures = of_cloud(row)
    for node, own in of_nodes(updates):
        figures |= {f"{node}/{name}": value for name, value in own.items()}
    return figures


def _finite(values: Mapping[str, Any]) -> Figures:
    numbers = {name: value for name, value in values.items() if isinstance(value, int | float)}
    return {name: float(value) for name, value in numbers.items() if math.isfinite(value)}
