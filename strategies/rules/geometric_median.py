"""RFA: the point with the least sum of distances to the updates."""

from typing import Any

import numpy as np

from strategies.rules._rows import Matrix, RowsRule


class GeometricMedian(RowsRule):
    """Merges to the geometric median of the updates, weighted by their examples.

    Pillutla et al. 2022, RFA, arXiv:1912.13445: the smoothed Weiszfeld algorithm, which they stop
    after 3 iterations.

    Parameters
    ----------
    iterations : int
    smallest : float
        Distances below it count as this, so that no update gets all the weight (their nu).
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
        """Return the median, from the mean on."""
        shares = num_examples / num_examples.sum()
        middle: Matrix = shares @ rows
        for _ in range(self.iterations):
            distances = np.maximum(np.linalg.norm(rows - middle, axis=1), self.smallest)
            weights = shares / distances
            middle = weights @ rows / weights.sum()
        return middle
