"""Collapsed runs, which lost what they had learnt. They are counted, and left out of means."""

import dataclasses
from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

from fog_flower.config import NONE

TEST = "test_accuracy"


@dataclasses.dataclass(frozen=True)
class Collapse:
    """A run whose test accuracy after the last round is below half of its best.

    Attributes
    ----------
    best, last : float
        Test accuracy after the best round and after the last.
    best_round : int
    """

    cell: str
    seed: int
    best: float
    best_round: int
    last: float


def find_collapses(
    runs: pd.DataFrame, rounds: pd.DataFrame, facts: Iterable[Mapping[str, Any]]
) -> list[Collapse]:
    """Return the collapsed runs among those that finished and did not diverge.

    Runs under attack are left out, because there a fall in accuracy is what is measured.

    Parameters
    ----------
    runs : DataFrame
        One row per run: ``cell``, ``seed``, ``usable``.
    rounds : DataFrame
        Rounds of all finished runs, with ``cell`` and ``seed``.
    facts : iterable of mapping
        The ``run.json`` of each row of ``runs``.
    """
    found = []
    for (cell, seed, usable), fact in zip(
        runs[["cell", "seed", "usable"]].itertuples(index=False, name=None), facts, strict=True
    ):
        if not usable or fact["config"].get("attack", NONE) != NONE:
            continue
        own = rounds[(rounds["cell"] == cell) & (rounds["seed"] == seed)]
        tests = own[TEST].to_numpy()
        best, last = float(tests.max()), float(tests[-1])
        if last < best / 2:
            best_round = int(own["round"].to_numpy()[tests.argmax()])
            found.append(Collapse(str(cell), int(seed), best, best_round, last))
    return found
