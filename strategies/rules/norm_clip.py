"""Norm clipping: a mean in which no update is longer than a bound."""

from typing import Any

import numpy as np

from strategies.rules._rows import Matrix, RowsRule


class NormClip(RowsRule):
    """Clips every update to an L2 norm, and takes the mean weighted by examples.

    Sun et al. 2019, arXiv:1911.07963, without the noise.

    Parameters
    ----------
    bound : float
        Largest L2 norm of an update; 0 takes the median norm of the round's updates.
    """

    def __init__(self, bound: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if bound < 0.0:
            raise ValueError(f"bound={bound} must be at least 0")
        self.bound = bound

    def step(self, rows: Matrix, num_examples: Matrix) -> Matrix:
        """Return the weighted mean of the clipped updates."""
        lengths = np.linalg.norm(rows, axis=1)
        bound = self.bound or float(np.median(lengths))
        factors = np.minimum(1.0, np.divide(bound, lengths, where=lengths > 0.0, out=lengths))
        merged: Matrix = (num_examples / num_examples.sum() * factors) @ rows
        return merged
