"""Divide and conquer: removes the updates furthest along the direction of most variance."""

from typing import Any

import numpy as np

from fog_flower.seeds import generator
from strategies.rules._rows import Matrix, RowsRule


class DnC(RowsRule):
    """Filters updates by the top singular vector of the centred updates, on sampled coordinates.

    Shejwalkar & Houmansadr 2021 (NDSS), algorithm 2. The updates that are kept in every iteration
    are merged by an unweighted mean.

    Parameters
    ----------
    num_malicious_nodes : int
    filter_fraction : float
        Number of updates removed in an iteration, as a multiple of the malicious ones (c in the
        paper).
    numbers : int
        Number of coordinates that an iteration samples (b in the paper).
    iterations : int
    """

    def __init__(
        self,
        num_malicious_nodes: int = 1,
        filter_fraction: float = 1.0,
        numbers: int = 10_000,
        iterations: int = 1,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if num_malicious_nodes < 0 or filter_fraction <= 0.0 or min(numbers, iterations) < 1:
            raise ValueError(
                f"num_malicious_nodes={num_malicious_nodes} must be at least 0, filter_fraction="
                f"{filter_fraction} above 0, numbers={numbers} and iterations={iterations} at "
                "least 1"
            )
        self.num_malicious_nodes = num_malicious_nodes
        self.filter_fraction = filter_fraction
        self.numbers = numbers
        self.iterations = iterations

    def step(self, rows: Matrix, num_examples: Matrix) -> Matrix:  # noqa: ARG002
        """Return the mean of the updates that every iteration keeps; 0 if there is none."""
        updates, size = rows.shape
        keep = updates - int(self.filter_fraction * self.num_malicious_nodes)
        kept = np.ones(updates, bool)
        for iteration in range(self.iterations):
            rng = generator(0, "dnc", iteration)  # the same coordinates in every round; no secret
            seen = rows[:, np.sort(rng.choice(size, min(self.numbers, size), replace=False))]
            centred = seen - seen.mean(axis=0)
            _, vectors = np.linalg.eigh(centred @ centred.T)  # few nodes: a small Gram matrix
            along = centred.T @ vectors[:, -1]
            outlying = np.square(centred @ along)
            last = np.argsort(outlying, kind="stable")[max(keep, 1) :]
            kept[last] = False
        merged: Matrix = rows[kept].mean(axis=0) if kept.any() else np.zeros(size)
        return merged
