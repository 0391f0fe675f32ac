"""Norm clipping: a mean in which nobody is longer than a bound."""

from typing import Any

import numpy as np

from strategies.rules._rows import Matrix, RowsRule


class NormClip(RowsRule):
    """Cuts every update to a length, and takes the mean by examples.

    Sun et al. 2019, arXiv:1911.07963, without their noise.

    Parameters
    ----------
    bound : float
        The length; 0 takes the median length of the round's updates.
    """

    def __init__(self, bound: float = 0.0, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if bound < 0.0:
            raise ValueError(f"bound={bound} must be at least 0")
        self.bound = bound

    def step(self, rows: Matrix, num_examples: Matrix) -> Matrix:
        """Return the mean of what is left."""
        lengths = np.linalg.norm(rows, axis=1)
        bound = self.bound or float(np.median(lengths))
        factors = np.minimum(1.0, np.divide(bound, lengths, where=lengths > 0.0, out=lengths))
        merged: Matrix = (num_examples / num_examples.sum() * factors) @ rows
        return merged
