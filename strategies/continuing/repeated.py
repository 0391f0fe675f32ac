"""Counts what a continued run releases again."""

import csv
import json
from pathlib import Path

from fog_flower.config import ENTROPY, RunConfig
from fog_flower.privacy.repeats import ONCE, Repeats
from fog_flower.records.files import write_json
from fog_flower.records.reading import read_run, typed_rows
from strategies.continuing.checkpoint import read_checkpoint

CONTINUATIONS, RUNS = "continuations.json", "runs"  # in a run's folder: who continued it


def repeats_of(config: RunConfig) -> Repeats:
    """Return what a run releases again because it continues another; without one, nothing.

    The rounds after the checkpoint are trained again, and so is the round that was not recorded. If
    others continued the same run before, e.g. because they were stopped, too, theirs count as well.

    Raises
    ------
    UserError
        If the checkpoint of the run that ``continue-from`` names cannot be read.
    """
    if config.continue_from is None:
        return ONCE
    folder = config.continue_from
    record = read_run(folder)
    if not record:
        return ONCE  # ``read_stopped`` refuses it
    before, kept = Repeats.read(record), read_checkpoint(folder).server_round
    starts, rounds = before.starts + 1, before.rounds + _made_after(kept, folder) + 1
    for other in _continuations(folder):
        starts += 1
        rounds += _made_after(kept, other) + 1
    return Repeats(starts, rounds)


def note_continuation(config: RunConfig, folder: Path) -> None:
    """Note, in the folder of the run that is continued, that ``folder`` draws its noise again.

    For the next one that continues it: what ``repeats_of`` returns here is of the time before.
    """
    if config.continue_from is None or config.noise_source != ENTROPY:
        return
    known = [str(path) for path in _noted(config.continue_from)]
    write_json(config.continue_from / CONTINUATIONS, {RUNS: [*known, str(folder)]})


def _made_after(kept: int, folder: Path) -> int:
    """Return how many rounds after ``kept`` a run has recorded."""
    try:
        reached = max(
            (int(row["round"]) for row in typed_rows(folder / "rounds.csv")), default=kept
        )
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        return 0  # ``read_stopped`` refuses damaged tables
    return max(reached - kept, 0)


def _continuations(folder: Path) -> list[Path]:
    """Return the runs that continued this one, and those that continued them."""
    found = _noted(folder)
    return [*found, *(more for one in found for more in _continuations(one))]


def _noted(folder: Path) -> list[Path]:
    path = folder / CONTINUATIONS
    return [Path(one) for one in json.loads(path.read_text())[RUNS]] if path.exists() else []
