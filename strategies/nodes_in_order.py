"""A grid that lists its nodes in the same order in every run."""

import random
from collections.abc import Iterable, Mapping
from typing import Any

from flwr.serverapp import Grid


class NodesInOrder:
    """Wraps a grid, and lists its nodes in the order of the fog nodes.

    Flower gives each node a random id in every run and lists the ids in no fixed order. Strategies
    sample from that list, so without this the same seed would sample other fog nodes in each run.

    Parameters
    ----------
    grid : Grid
        The grid to which everything is delegated.
    fog_nodes : mapping
        Node id to partition id. Nodes that are not in it come last, sorted by id.
    """

    def __init__(self, grid: Grid, fog_nodes: Mapping[int, int]) -> None:
        self._grid = grid
        self._fog_nodes = fog_nodes

    def get_node_ids(self) -> Iterable[int]:
        """Return the ids of all nodes, in the order of the fog nodes.

        The state of Python's global generator is restored afterwards, because Flower's heartbeat
        or a retry may draw from it meanwhile, and strategies draw from it next.
        """
        before = random.getstate()
        ids = sorted(self._grid.get_node_ids(), key=self._place)
        random.setstate(before)
        return ids

    def _place(self, node_id: int) -> tuple[int, int]:
        return self._fog_nodes.get(node_id, len(self._fog_nodes)), node_id

    def __getattr__(self, name: str) -> Any:
        return getattr(self._grid, name)
