"""Finds local models from which training explodes."""

import math

import numpy as np
import numpy.typing as npt

from strategies.gate import Trial, Vector

EXPLODED = 2.5  # times the loss from which a short training began
BEYOND_CHANCE = 2.0  # times the loss of the best constant answer
FURTHER = 2.0  # times its step is how far from W a merge is tried
TRIED_IN_ALL, LEAST_TRIED = 4000, 16  # examples for steps: of all updates together, and of each

Merges = npt.NDArray[np.float64]  # the weights of some merges [m, k]
Found = npt.NDArray[np.bool_]


def unstable(trial: Trial, examples: int) -> Found:
    """Return from which local models training explodes, and more so than from W [k].

    The cloud's own is not asked.
    """
    found = np.zeros(len(trial), bool)
    fog = [n for n in range(len(trial)) if n != trial.weighing.own]
    count = min(examples, trial.examples, max(TRIED_IN_ALL // len(trial), LEAST_TRIED))
    if fog:
        found[fog] = _explode(trial, np.eye(len(trial))[fog], count)
    return found


def leads_to_unstable(trial: Trial, merge: Vector, examples: int) -> bool:
    """Check whether training explodes ahead of a merge [k], at ``FURTHER`` times its step from W.

    Ahead of it, because a later round may go on in the same direction.
    """
    count = min(examples, trial.examples)
    return bool(_explode(trial, FURTHER * merge[np.newaxis], count).any())


def _explode(trial: Trial, merges: Merges, count: int) -> Found:
    """Return from which merges training on the first ``count`` examples explodes [m]."""
    train = trial.weighing.train
    found, none = np.zeros(len(merges), bool), np.zeros(len(trial))
    if train is None or not count:
        return found
    for at_once, usual in ((True, 1.0), (False, EXPLODED)):
        ends = [train(merge, count, at_once) for merge in merges]
        rises = np.array([_rise(*end) for end in ends])
        if (rises > usual).any():
            worse = rises > usual * max(1.0, _rise(*train(none, count, at_once)))
            if not at_once:  # a low loss may be a multiple of a lower one
                chance = trial.weighing.score(none, 0, count).chance
                worse &= ~(np.array([after for _, after in ends]) <= BEYOND_CHANCE * chance)
            found |= worse
    return found


def _rise(before: float, after: float) -> float:
    """Return the factor from one loss to another; infinite if one is not finite."""
    if not (math.isfinite(before) and math.isfinite(after)):
        return math.inf
    return after / before if before > 0.0 else 1.0
