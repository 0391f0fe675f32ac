"""Finds local models from which training explodes."""

import math

import numpy as np
import numpy.typing as npt

from strategies.gate import Trial

EXPLODED = 2.5  # times the loss from which a short training began
BEYOND_CHANCE = 2.0  # times the loss of the best constant answer
GROUPS = 10  # more updates than this are tried in so many groups first
FURTHER = 2.0  # times the mean of a group is how far from W it is tried
TRIED_IN_ALL, LEAST_TRIED = 4000, 16  # examples for steps: of all updates together, and of each

Merges = npt.NDArray[np.float64]  # the weights of some merges [m, k]
Found = npt.NDArray[np.bool_]


def unstable(trial: Trial, examples: int) -> Found:
    """Return from which local models training explodes, and more so than from W [k].

    More than ten updates are divided into ten groups at random. Each group's mean is tried first,
    at twice its length, because a merge may have a larger share of those who harm than their group.
    Only where training explodes from that are the local models of the group tried. The cloud's own
    is not asked.
    """
    found = np.zeros(len(trial), bool)
    fog = np.array([n for n in range(len(trial)) if n != trial.weighing.own], np.int64)
    count = min(examples, trial.examples)
    if trial.weighing.train is None or not count:
        return found
    if len(fog) > GROUPS:
        groups = np.array_split(trial.generator().permutation(fog), GROUPS)
        means = np.zeros((GROUPS, len(trial)))
        for mean, group in zip(means, groups, strict=True):
            mean[group] = FURTHER / len(group)
        suspected = np.flatnonzero(_explode(trial, means, count))
        fog = np.sort(np.concatenate([np.empty(0, np.int64), *(groups[n] for n in suspected)]))
        count = min(count, max(TRIED_IN_ALL // len(trial), LEAST_TRIED))
    found[fog] = _explode(trial, np.eye(len(trial))[fog], count)
    return found


def _explode(trial: Trial, merges: Merges, count: int) -> Found:
    """Return from which merges training on the first ``count`` examples explodes [m]."""
    train = trial.weighing.train
    assert train is not None  # noqa: S101  (checked by the caller)
    found, none = np.zeros(len(merges), bool), np.zeros(len(trial))
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
