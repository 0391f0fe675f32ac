"""Evaluates merges of a round's updates on the cloud's validation examples."""

import functools
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fog_flower.config import MEAN
from fog_flower.tasks.examples import Indices
from fog_flower.tasks.scores import Evaluator, Scores
from fog_flower.weights import Weights
from strategies.gate import Slope, Vector
from strategies.merging import mean_shares, sum_shares
from strategies.steps import Steps
from strategies.updates import Update


class TrialMerges:
    """Merges W + sum of weight * dW of a round's k updates, and what the evaluator says of them.

    Its methods are those that ``Weighing`` and ``Trial`` hand to a gate.

    Parameters
    ----------
    evaluator : Evaluator
        Holds the validation examples.
    order : int64 [n]
        This round's order of these examples.
    weights : Weights
        W.
    updates : k Update
    merge : str
        The key ``merge``; it decides the weights of plain merges.
    """

    def __init__(
        self,
        evaluator: Evaluator,
        order: Indices,
        weights: Weights,
        updates: Sequence[Update],
        merge: str,
    ) -> None:
        self._evaluator, self._order = evaluator, order
        self._examples = [update.num_examples for update in updates]
        self._shares = mean_shares if merge == MEAN else sum_shares
        self.steps = Steps(weights, [update.delta for update in updates])

    @property
    def shares(self) -> Vector:
        """The weights of the plain merge of all updates [k]."""
        return np.asarray(self._shares(self._examples), np.float64)

    def plain(self, numbers: tuple[int, ...], first: int, stop: int) -> Scores:
        """Score the plain merge of these updates, or W, on examples ``first`` to ``stop`` - 1."""
        factors = np.zeros(len(self.steps), np.float32)
        if numbers:
            factors[list(numbers)] = self._shares([self._examples[n] for n in numbers])
        return self.score(factors, first, stop)

    def score(self, alphas: npt.ArrayLike, first: int, stop: int) -> Scores:
        """Score the merge with weights ``alphas`` [k] on examples ``first`` to ``stop`` - 1."""
        return self._evaluator.score(self.steps.merged(alphas), self._order[first:stop])

    def groups(self, count: int) -> npt.NDArray[np.int64]:
        """Return the group (class) of each of the first ``count`` examples."""
        return self._evaluator.groups(self._order[:count])

    def slope(
        self,
        alphas: Vector,
        count: int,
        importance: Vector | None = None,
        sharpness: float = 1.0,
        parts: int = 1,
    ) -> Slope:
        """Return losses and slopes of the merge with weights ``alphas`` [k], as in ``Weighing``."""
        there, importances = self.steps.merged(alphas), np.ones(count, np.float32)
        if importance is not None:
            importances = importance.astype(np.float32)
        pieces = np.array_split(np.arange(count), min(parts, count))
        found = [
            self._evaluator.slope(there, self._order[piece], importances[piece], sharpness)
            for piece in pieces
        ]
        sizes = [float(importances[piece].sum()) for piece in pieces]
        along = self.steps.along([one.gradient for one in found])
        scores = functools.reduce(lambda one, more: one.then(more), [one.scores for one in found])
        spread = np.full(len(self.steps), np.nan)
        if len(found) > 1:
            spread = along.std(axis=0, ddof=1) / np.sqrt(len(found))
        return Slope(
            np.concatenate([one.losses for one in found]),
            np.average(along, axis=0, weights=sizes),
            float(np.average([one.sharper for one in found], weights=sizes)),
            scores,
            spread,
            *(_steepest([one.gradient for one in found], sizes) if parts > 1 else (np.nan, 0)),
        )

    def train(
        self, rate: float, batch_size: int, alphas: Vector, count: int, at_once: bool
    ) -> tuple[float, float]:
        """Train from the merge with weights ``alphas`` [k] on the first ``count`` examples.

        Returns their mean loss before, and the highest while training: in batches, or ``at_once``.
        """
        batch = count if at_once else batch_size
        return self._evaluator.steps(self.steps.merged(alphas), self._order[:count], rate, batch)


def _steepest(gradients: Sequence[Weights], sizes: Sequence[float]) -> tuple[float, int]:
    """Return the L2 norm of the weighted mean of gradients, and its number of entries."""
    squares, count = 0.0, 0
    for arrays in zip(*gradients, strict=True):
        mean = np.average(arrays, axis=0, weights=sizes)
        squares += float(np.square(mean, dtype=np.float64).sum())
        count += mean.size
    return squares**0.5, count
