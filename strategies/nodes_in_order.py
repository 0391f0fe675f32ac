"""The grid that a wrapped strategy sees: the same nodes in the same order in every run."""

import random
from collections.abc import Iterable, Mapping
from typing import Any

from flwr.serverapp import Grid


class NodesInOrder:
    """Another grid, but for the order in which it names its nodes: that of the fog nodes.

    Flower gives a node another random id in every run, and hands them out as a set; its strategies
    draw from the list they get, so one seed would draw other fog nodes every time.

    Parameters
    ----------
    grid : Grid
        Does everything.
    fog_nodes : mapping
        Node id to partition id; nodes that it does not know come last, by their id.
    """

    def __init__(self, grid: Grid, fog_nodes: Mapping[int, int]) -> None:
        self._grid = grid
        self._fog_nodes = fog_nodes

    def get_node_ids(self) -> Iterable[int]:
        """Return the ids of all nodes, in the order of the fog nodes.

        What others drew from Python's own generator while the nodes were looked for, Flower's
        heartbeat or a retry, is undone: strategies draw from it next.
        """
        before = random.getstate()
        ids = sorted(self._grid.get_node_ids(), key=self._place)
        random.setstate(before)
        return ids

    def _place(self, node_id: int) -> tuple[int, int]:
        return self._fog_nodes.get(node_id, len(self._fog_nodes)), node_id

    def __getattr__(self, name: str) -> Any:
        return getattr(self._grid, name)
