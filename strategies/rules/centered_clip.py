"""CenteredClip: a mean in which no update counts beyond a radius around the centre."""

from typing import Any

import numpy as np

from strategies.rules._rows import Matrix, RowsRule


class CenteredClip(RowsRule):
    """Moves a centre by the mean of the differences to it, each clipped to a radius.

    Karimireddy et al. 2021, arXiv:2012.10333, algorithm 1. The paper starts at the step of the
    previous round, so one wrong step affects all later rounds. Here each round starts at the
    coordinate-wise median.

    Parameters
    ----------
    tau : float
        The radius; 0 takes the median distance to the centre, because lengths of dW depend on the
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
        """Return the centre; numbers of examples are only claimed, so they are ignored."""
        middle: Matrix = np.median(rows, axis=0)
        for _ in range(self.iterations):
            away = rows - middle
            lengths = np.linalg.norm(away, axis=1)
            radius = self.tau or float(np.median(lengths))
            factors = np.minimum(1.0, np.divide(radius, lengths, where=lengths > 0.0, out=lengths))
            middle = middle + (factors[:, None] * away).mean(axis=0)
        return middle
