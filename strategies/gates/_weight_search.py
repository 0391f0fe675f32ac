"""Minimises the loss of a merge over the weights of its updates."""

import contextlib
import math

import numpy as np
from scipy.optimize import minimize

from fog_flower.tasks.scores import Scores
from strategies.gate import Slope, Trial, Vector
from strategies.gates._judged_merges import SURER


class WeightSearch:
    """Minimises the loss over the weights of updates, in trusted lengths, with few evaluations."""

    def __init__(
        self, trial: Trial, count: int, unit: Vector, importance: Vector | None, evaluations: int
    ) -> None:
        self._trial, self._count, self._unit = trial, count, unit
        self._importance, self._left = importance, max(evaluations, 1)
        self._least = np.inf
        self._found = np.zeros(len(unit) + 1)
        self.scores: Scores | None = None  # at the best weights found

    def best(self, start: Vector, known: Slope | None, settled: float) -> Vector:
        """Return the best weights and log sharpness [k + 1]; ``known`` is that at ``start``."""
        self._found = start
        known = known or self._asked(start)
        self._note(start, known)

        def objective(x: Vector) -> tuple[float, Vector]:
            slope = known
            if not np.array_equal(x, start):
                if not self._left:
                    raise _EnoughError
                slope = self._asked(x)
            if not slope.finite:
                return 1e6, np.zeros(len(x))
            sharper = slope.sharper * np.exp(x[-1])
            return self._note(x, slope), np.append(slope.along * self._unit, sharper)

        sharpness = -math.log(SURER), math.log(SURER)
        bounds = [*[(0.0, None if unit else 0.0) for unit in self._unit], sharpness]
        with contextlib.suppress(_EnoughError):
            minimize(
                objective,
                start,
                jac=True,
                method="L-BFGS-B",
                bounds=bounds,
                options={"ftol": settled},
            )
        return self._found

    def _asked(self, x: Vector) -> Slope:
        self._left -= 1
        sharpness = float(np.exp(x[-1]))
        return self._trial.weighing.slope(
            x[:-1] * self._unit, self._count, self._importance, sharpness, 1
        )

    def _note(self, x: Vector, slope: Slope) -> float:
        loss = float(np.average(slope.losses, weights=self._importance))
        if loss < self._least:
            self._least, self._found, self.scores = loss, x.copy(), slope.scores
        return loss


class _EnoughError(Exception):
    """All evaluations are used up."""
