"""A few examples on their way from an end node to its fog node, before anything is started."""

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
        If protections do not fit the inputs, or what they return is refused by a fog node.
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
