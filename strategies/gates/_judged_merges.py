"""Merges with their scores on examples that nothing was learned from."""

import functools
from statistics import NormalDist

import numpy as np

from fog_flower.tasks.scores import Scores
from strategies.gate import Trial, Vector

SURER = 2.0  # largest factor, up or down, of the temperature that is fitted


class JudgedMerge:
    """A merge with its scores, and its recalibrated losses, which are computed once."""

    def __init__(self, merge: Vector, scores: Scores) -> None:
        self.merge, self.scores = merge, scores

    @functools.cached_property
    def calm(self) -> Vector:
        """The losses at the best temperature."""
        return self.scores.recalibrated(biases=False, at_most=SURER)

    @functools.cached_property
    def known(self) -> Vector:
        """The fully recalibrated losses, which measure what the model can tell apart."""
        return known_losses(self.scores)


class JudgedMerges:
    """A cache of merges, each scored once on the certifying examples."""

    def __init__(self, trial: Trial, first: int, stop: int) -> None:
        self._trial, self._first, self.stop = trial, first, stop
        self._known: dict[bytes, JudgedMerge] = {}

    def __getitem__(self, merge: Vector) -> JudgedMerge:
        key = merge.tobytes()  # candidates may coincide
        if key not in self._known:
            scores = self._trial.weighing.score(merge, self._first, self.stop)
            self._known[key] = JudgedMerge(merge, scores)
        return self._known[key]

    def no_worse(self, one: Vector, other: Vector) -> bool:
        """Check whether the mean loss of one merge is at most that of another."""
        if not (self[one].scores.finite and self[other].scores.finite):
            return self[one].scores.finite
        return bool(self[one].calm.mean() <= self[other].calm.mean())

    def stalls(self, merge: Vector, error: float) -> bool:
        """Check whether a merge is not shown to be better than W."""
        start = self[np.zeros(len(merge))]
        if not (self[merge].scores.finite and start.scores.finite):
            return True
        return not is_harm(start.calm - self[merge].calm, error)

    def knows_more(self, one: Vector, other: Vector) -> bool:
        """Check whether one merge tells more apart than another and than W, on average."""
        if not self[one].scores.finite:
            return False
        others = [self[each] for each in (other, np.zeros(len(one)))]
        means = [each.known.mean() for each in others if each.scores.finite]
        return all(self[one].known.mean() < mean for mean in means)


def known_losses(scores: Scores) -> Vector:
    """Return fully recalibrated losses [k], which measure what the model can tell apart.

    Temperature and biases towards some answers do not count: a model at the start of its training
    first learns which classes are frequent, and seems to unlearn the others.
    """
    return scores.recalibrated() if scores.finite else scores.losses


def is_harm(harm: Vector, error: float) -> bool:
    """Check whether the mean of paired differences is shown to be above 0."""
    edge = NormalDist().inv_cdf(1.0 - error) * harm.std() / np.sqrt(len(harm))
    return bool(harm.mean() > edge)
