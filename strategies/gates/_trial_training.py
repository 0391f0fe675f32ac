"""Finds local models from which training explodes."""

import math

import numpy as np
import numpy.typing as npt

from strategies.gate import Trial

EXPLODED = 2.5  # times the loss from which a short training began
BEYOND_CHANCE = 2.0  # times the loss of the best constant answer
TRIED_IN_ALL, LEAST_TRIED = 4000, 16  # examples for steps: of all updates together, and of each


def unstable(trial: Trial, examples: int) -> npt.NDArray[np.bool_]:
    """Return from which local models training explodes, and more so than from W.

    The cloud's own is not asked.
    """
    found, none = np.zeros(len(trial), bool), np.zeros(len(trial))
    alone = np.eye(len(trial))
    count = min(examples, trial.examples, max(TRIED_IN_ALL // len(trial), LEAST_TRIED))
    fog = [n for n in range(len(trial)) if n != trial.weighing.own]
    train = trial.weighing.train
    if train is None or not count:
        return found
    for at_once, usual in ((True, 1.0), (False, EXPLODED)):
        rises, highest = none.copy(), none.copy()
        for number in fog:
            before, highest[number] = train(alone[number], count, at_once)
            rises[number] = _rise(before, highest[number])
        if (rises > usual).any():
            worse = rises > usual * max(1.0, _rise(*train(none, count, at_once)))
            if not at_once:  # a low loss may be a multiple of a lower one
                chance = trial.weighing.score(none, 0, count).chance
                worse &= ~(highest <= BEYOND_CHANCE * chance)
            found |= worse
    return found


def _rise(before: float, after: float) -> float:
    """Return the factor from one loss to another; infinite if one is not finite."""
    if not (math.isfinite(before) and math.isfinite(after)):
        return math.inf
    return after / before if before > 0.0 else 1.0
