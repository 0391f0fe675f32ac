"""RFA: the geometric median, which has the least sum of distances to the updates."""

from typing import Any

import numpy as np

from strategies.rules._rows import Matrix, RowsRule


class GeometricMedian(RowsRule):
    """Merges by the geometric median of the updates, weighted by their examples.

    Pillutla et al. 2022, RFA, arXiv:1912.13445: the smoothed Weiszfeld algorithm, with 3 iterations
    as in the paper.

    Parameters
    ----------
    iterations : int
    smallest : float
        Smaller distances are raised to this, so that no update gets all the weight (nu in the
        paper).
    """

    def __init__(self, iterations: int = 3, smallest: float = 1e-6, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if iterations < 1 or not smallest > 0.0:
            raise ValueError(
                f"iterations={iterations} must be at least 1, smallest={smallest} above 0"
            )
        self.iterations = iterations
        self.smallest = smallest

    def step(self, rows: Matrix, num_examples: Matrix) -> Matrix:
        """Return the geometric median, iterated from the weighted mean."""
        shares = num_examples / num_examples.sum()
        middle: Matrix = shares @ rows
        for _ in range(self.iterations):
            distances = np.maximum(np.linalg.norm(rows - middle, axis=1), self.smallest)
            weights = shares / distances
            middle = weights @ rows / weights.sum()
        return middle
