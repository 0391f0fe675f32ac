"""Runs that lost what they had learnt; their figures are finite, and count."""

import dataclasses
from collections import Counter

from simulations.reports.sweep_records import TEST, SweepRecords


@dataclasses.dataclass(frozen=True)
class Collapse:
    """A run whose test accuracy after the last round is below half of its best.

    Attributes
    ----------
    best, last : float
        Test accuracy of its best round and of the last.
    best_round : int
    """

    cell: str
    seed: int
    best: float
    best_round: int
    last: float


def collapses(records: SweepRecords) -> list[Collapse]:
    """Return the collapsed ones of the runs that finished and did not diverge."""
    usable = records.runs[records.runs["usable"]]
    found = []
    for cell, seed in zip(usable["cell"], usable["seed"], strict=True):
        rounds = records.rounds_of(cell, seed)
        tests = rounds[TEST].to_numpy()
        best, last = float(tests.max()), float(tests[-1])
        if last < best / 2:
            best_round = int(rounds["round"].to_numpy()[tests.argmax()])
            found.append(Collapse(cell, int(seed), best, best_round, last))
    return found


def collapsed_of_each(records: SweepRecords) -> Counter[str]:
    """Return how many runs of each cell collapsed; 0 for a cell without any."""
    return Counter(run.cell for run in collapses(records))
