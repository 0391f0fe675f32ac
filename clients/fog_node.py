"""The fog tier: a fog node gathers the shipments of its end nodes and keeps the noisy data."""

import dataclasses
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from clients.shipment import RefusedShipmentError, unpack


@dataclasses.dataclass(frozen=True)
class NodeData:
    """The noisy data of a fog node.

    Attributes
    ----------
    images : float32 [n, 32, 32, 3], standardised and noisy
    labels : int64 [n], 0 to 9
    end_node_examples : images taken from each end node, in their order; 0 where refused
    bytes_received : from its end nodes, refused shipments included
    refused : one line for each refused shipment, which names the end node
    """

    images: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]
    end_node_examples: tuple[int, ...]
    bytes_received: int
    refused: tuple[str, ...]


def gather(fog_node: int, shipments: Iterable[tuple[int, bytes]]) -> NodeData:
    """Aggregate the shipments of a fog node's end nodes, in their order.

    Parameters
    ----------
    fog_node : int
    shipments : iterable of (end node, bytes)
        A bad one is refused and named; the others are used.

    Raises
    ------
    RefusedShipmentError
        If no shipment is left to train on.
    """
    images, labels, counts, refused, received = [], [], [], [], 0
    for end_node, shipment in shipments:
        received += len(shipment)
        try:
            shipped_images, shipped_labels = unpack(shipment)
        except RefusedShipmentError as error:
            refused.append(f"shipment of end node {end_node} at fog node {fog_node} {error}")
            counts.append(0)
            continue
        images.append(shipped_images)
        labels.append(shipped_labels)
        counts.append(len(shipped_labels))
    if not sum(map(len, labels)):
        raise RefusedShipmentError(
            f"fog node {fog_node} has no data: {'; '.join(refused) or 'none'}"
        )
    return NodeData(
        np.concatenate(images), np.concatenate(labels), tuple(counts), received, tuple(refused)
    )
