"""Divides the examples into stratified shares of nearly equal size."""

import numpy as np

from fog_flower.data.partitions._dealing import deal
from fog_flower.data.partitions._flwr_datasets import no_argument
from fog_flower.tasks.examples import Indices


def iid(groups: Indices, fog_nodes: int, argument: str, seed: int) -> list[Indices]:
    """Divide the examples evenly, stratified by class; sizes differ by at most 1."""
    no_argument("iid", argument)
    return deal(np.arange(len(groups)), groups, fog_nodes, seed)
