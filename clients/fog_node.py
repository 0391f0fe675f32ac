"""The fog tier: a fog node gathers the shipments of its end nodes."""

import dataclasses
from collections.abc import Iterable

import numpy as np

from clients.shipment import RefusedShipmentError, unpack
from fog_flower.tasks.examples import Array, Spec
from fog_flower.tasks.task import Task


@dataclasses.dataclass(frozen=True)
class NodeData:
    """The noisy data of a fog node.

    Attributes
    ----------
    inputs : array [n, ...], preprocessed and noisy
    targets : array [n, ...]
    end_node_examples : number of examples from each end node, in their order; 0 if refused
    bytes_received : bytes from all end nodes, refused shipments included
    refused : one line for each refused shipment, which names the end node
    told_examples : number of examples that it reports to the cloud; None reports the true one
    """

    inputs: Array
    targets: Array
    end_node_examples: tuple[int, ...]
    bytes_received: int
    refused: tuple[str, ...]
    told_examples: int | None = None

    @property
    def told(self) -> int:
        """The number of examples that is reported to the cloud."""
        return len(self.targets) if self.told_examples is None else self.told_examples


def gather(
    fog_node: int, shipments: Iterable[tuple[int, bytes]], spec: Spec, task: Task
) -> NodeData:
    """Concatenate the shipments of a fog node's end nodes, in their order.

    Parameters
    ----------
    fog_node : int
    shipments : iterable of (end node, bytes)
        Bad ones are refused and recorded; the others are used.
    spec, task : Spec, Task
        What the inputs and targets of every shipment must be.

    Raises
    ------
    RefusedShipmentError
        If no shipment is left.
    """
    inputs, targets, counts, refused, received = [], [], [], [], 0
    for end_node, shipment in shipments:
        received += len(shipment)
        try:
            shipped = unpack(shipment, spec, task)
        except RefusedShipmentError as error:
            refused.append(f"shipment of end node {end_node} at fog node {fog_node} {error}")
            counts.append(0)
            continue
        inputs.append(shipped.inputs)
        targets.append(shipped.targets)
        counts.append(len(shipped))
    if not targets:
        raise RefusedShipmentError(
            f"fog node {fog_node} has no data: {'; '.join(refused) or 'none'}"
        )
    return NodeData(
        np.concatenate(inputs), np.concatenate(targets), tuple(counts), received, tuple(refused)
    )
