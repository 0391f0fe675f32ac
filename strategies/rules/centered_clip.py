"""CenteredClip: updates pull as far as a radius around the middle."""

from typing import Any

import numpy as np

from strategies.rules._rows import Matrix, RowsRule


class CenteredClip(RowsRule):
    """Moves a middle by the mean of what is clipped to a radius around it.

    Karimireddy et al. 2021, arXiv:2012.10333, algorithm 1. They begin at the step of the round
    before, which keeps the rule in one place once it was led astray; here each round begins at the
    coordinate-wise median.

    Parameters
    ----------
    tau : float
        The radius; 0 takes the median distance to the middle, because lengths of dW depend on the
        model and the round.
    iterations : int
    """

    def __init__(self, tau: float = 0.0, iterations: int = 3, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        if iterations < 1 or tau < 0.0:
            raise ValueError(f"tau={tau} must be at least 0, iterations={iterations} at least 1")
        self.tau = tau
        self.iterations = iterations

    def step(self, rows: Matrix, num_examples: Matrix) -> Matrix:  # noqa: ARG002
        """Return the middle; numbers of examples, which are only claimed, do not matter."""
        middle: Matrix = np.median(rows, axis=0)
        for _ in range(self.iterations):
            away = rows - middle
            lengths = np.linalg.norm(away, axis=1)
            radius = self.tau or float(np.median(lengths))
            factors = np.minimum(1.0, np.divide(radius, lengths, where=lengths > 0.0, out=lengths))
            middle = middle + (factors[:, None] * away).mean(axis=0)
        return middle
