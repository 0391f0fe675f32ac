"""Counts what a continued run releases again."""

import csv

from fog_flower.config import RunConfig
from fog_flower.privacy.repeats import ONCE, Repeats
from fog_flower.records.reading import read_run, typed_rows
from strategies.continuing.checkpoint import read_checkpoint


def repeats_of(config: RunConfig) -> Repeats:
    """Return what a run releases again because it continues another; without one, nothing.

    The rounds after the checkpoint are trained again, and so is the round that was not recorded.

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
    try:
        reached = max(
            (int(row["round"]) for row in typed_rows(folder / "rounds.csv")), default=kept
        )
    except (OSError, ValueError, KeyError, TypeError, csv.Error):
        reached = kept  # ``read_stopped`` refuses damaged tables
    return Repeats(before.starts + 1, before.rounds + max(reached - kept, 0) + 1)
