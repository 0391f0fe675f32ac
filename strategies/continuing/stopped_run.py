"""A run that was stopped, as its records and its checkpoint tell of it."""

import csv
import dataclasses
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fog_flower.config import RunConfig
from fog_flower.errors import UserError
from fog_flower.records.reading import LOCK, Row, is_orphan, read_run, typed_rows
from fog_flower.records.same_run import first_difference
from strategies.continuing.checkpoint import Checkpoint, read_checkpoint
from strategies.continuing.conditions import conditions

PATIENCE = 15.0  # seconds: a server process ends itself soon after its launcher was killed


class StillGoesOnError(UserError):
    """The run to go on with has not been stopped."""


@dataclasses.dataclass(frozen=True)
class StoppedRun:
    """Where a run stood at the end of its last complete round.

    Attributes
    ----------
    rounds, updates : list of dict
        The rows of ``rounds.csv`` and ``updates.csv`` up to the checkpoint's round.
    stretches : list of dict
        In which rounds, when, where and with what they were made: more than one if the run had
        gone on before.
    """

    folder: Path
    checkpoint: Checkpoint
    rounds: list[Row]
    updates: list[Row]
    stretches: list[dict[str, Any]]


def stopped_run(config: RunConfig, data_sha256: str) -> StoppedRun | None:
    """Return the run that ``continue-from`` names, if it names one; see ``read_stopped``."""
    return read_stopped(config, data_sha256) if config.continue_from else None


def read_stopped(config: RunConfig, data_sha256: str) -> StoppedRun:
    """Read the run that ``continue-from`` names.

    Parameters
    ----------
    config : RunConfig
        Of the run that goes on with it.
    data_sha256 : str
        Of the data that it will see.

    Raises
    ------
    UserError
        If it is no run, still goes on, has no checkpoint, or was made with other settings, data,
        code or precision.
    """
    if config.continue_from is None:
        raise ValueError("there is no run to continue")
    folder = config.continue_from
    key = f"continue-from={str(folder)!r}"
    record = read_run(folder)
    if not record:
        raise UserError(f"{key}: there is no run.json in it; name the folder of a stopped run")
    if (folder / LOCK).exists() and not is_orphan(folder, PATIENCE):
        raise StillGoesOnError(f"{key}: this run is still running; stop it first")
    ours, theirs = config.to_run_config(), record["config"]
    if (name := first_difference(ours, theirs)) is not None:
        raise UserError(f"{key} has {name}={theirs[name]!r}, not {ours[name]!r}: use the same")
    checkpoint = read_checkpoint(folder)
    before, here = checkpoint.conditions, conditions(config, data_sha256)
    for name in dict.fromkeys((*before, *here)):
        if before.get(name) != here.get(name):
            raise UserError(
                f"{key}: {name} was {before.get(name)}, and here it is {here.get(name)}; restore "
                "it, or start the run again"
            )
    try:
        rounds, updates = (
            [row for row in typed_rows(folder / name) if row["round"] <= checkpoint.server_round]
            for name in ("rounds.csv", "updates.csv")
        )
    except (OSError, ValueError, KeyError, TypeError, csv.Error) as error:
        raise UserError(f"{key}: its tables are damaged ({error}); start the run again") from error
    if not rounds or rounds[-1]["round"] != checkpoint.server_round:
        raise UserError(
            f"{key}: its checkpoint is of round {checkpoint.server_round}, which rounds.csv lacks; "
            "start the run again"
        )
    if not any(row["accepted"] for row in rounds):
        raise UserError(f"{key}: nothing was merged in its rounds; start the run again")
    return StoppedRun(folder, checkpoint, rounds, updates, _stretches(record, rounds))


def _stretches(record: Mapping[str, Any], rounds: list[Row]) -> list[dict[str, Any]]:
    before: list[dict[str, Any]] = record.get("stretches", [])
    first = before[-1]["last_round"] + 1 if before else 1
    if first > rounds[-1]["round"]:
        return before
    told = (
        "started",
        "cause",
        "flower_run_id",
        "git_commit",
        "hardware",
        "versions",
        "peak_memory_gib",
    )
    latest = {"first_round": first, "last_round": rounds[-1]["round"]}
    threads = record.get("nodes", {}).get("threads")
    return [*before, {**latest, **{name: record.get(name) for name in told}, "threads": threads}]
