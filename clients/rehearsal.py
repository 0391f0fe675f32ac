"""Tests the way from end node to fog node with a few examples, before anything is started."""

import numpy as np

from clients.end_node import EndNode
from clients.fog_node import gather
from clients.shipment import RefusedShipmentError
from fog_flower.config import RunConfig
from fog_flower.data.dataset import Dataset
from fog_flower.data.load import preprocess_of
from fog_flower.errors import UserError

EXAMPLES = 8


def rehearse_shipment(config: RunConfig, dataset: Dataset) -> None:
    """Preprocess, protect, ship and unpack the first training examples.

    Raises
    ------
    UserError
        If the protections do not fit the inputs, or a fog node refuses what they return.
    """
    few = dataset.train.take(np.arange(min(EXAMPLES, len(dataset.train))))
    preprocess = preprocess_of(config, dataset, few)
    shipment = EndNode(0, 0, few).ship(config, dataset.task, preprocess)
    try:
        gather(0, [(0, shipment)], dataset.spec, dataset.task)
    except RefusedShipmentError as error:
        raise UserError(
            f"protection={','.join(config.protection)!r}: a fog node does not take what it makes "
            f"({error})"
        ) from error
