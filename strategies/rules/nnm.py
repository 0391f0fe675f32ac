"""Nearest-neighbour mixing before a robust rule."""

from typing import Any

import numpy as np

from fog_flower.weights import squared_distances
from strategies.rules._rows import Matrix, RowsRule


class NNM(RowsRule):
    """Replaces each update by the mean of its nearest ones, then takes the median or trimmed mean.

    Allouah et al. 2023 (AISTATS), arXiv:2302.01772. With f malicious of n updates, it is the mean
    of the n - f nearest, itself included.

    Parameters
    ----------
    num_malicious_nodes : int
    rule : str
        ``median`` or ``trimmed-mean``, both coordinate-wise.
    """

    def __init__(
        self, num_malicious_nodes: int = 1, rule: str = "trimmed-mean", **kwargs: Any
    ) -> None:
        super().__init__(**kwargs)
        if num_malicious_nodes < 0:
            raise ValueError(f"num_malicious_nodes={num_malicious_nodes} must be at least 0")
        if rule not in ("median", "trimmed-mean"):
            raise ValueError(f"rule={rule!r} must be median or trimmed-mean")
        self.num_malicious_nodes = num_malicious_nodes
        self.rule = rule

    def step(self, rows: Matrix, num_examples: Matrix) -> Matrix:  # noqa: ARG002
        """Return the median or trimmed mean of the mixed updates."""
        malicious = self.num_malicious_nodes
        nearest = np.argsort(squared_distances(rows), axis=1, kind="stable")
        mixed = np.stack([rows[near[: len(rows) - malicious]].mean(axis=0) for near in nearest])
        if self.rule == "median":
            middle: Matrix = np.median(mixed, axis=0)
            return middle
        mixed.sort(axis=0)
        trimmed: Matrix = mixed[malicious : len(mixed) - malicious].mean(axis=0)
        return trimmed
