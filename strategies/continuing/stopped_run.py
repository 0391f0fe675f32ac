"""Reads a stopped run from its records and its checkpoint."""

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
    """The run to continue has not been stopped."""


@dataclasses.dataclass(frozen=True)
class StoppedRun:
    """A stopped run at the end of its last complete round.

    Attributes
    ----------
    folder : Path
    checkpoint : Checkpoint
    rounds, updates : list of dict
        The rows of ``rounds.csv`` and ``updates.csv`` up to the checkpoint's round.
    stretches : list of dict
        One entry for each uninterrupted part of the run: its first and last round, when it started,
        and on which hardware and versions. More than one if the run was continued before.
    """

    folder: Path
    checkpoint: Checkpoint
    rounds: list[Row]
    updates: list[Row]
    stretches: list[dict[str, Any]]


def stopped_run(config: RunConfig, data_sha256: str) -> StoppedRun | None:
    """Return the run that ``continue-from`` names, or None if it is not set."""
    return read_stopped(config, data_sha256) if config.continue_from else None


def read_stopped(config: RunConfig, data_sha256: str) -> StoppedRun:
    """Read the run that ``continue-from`` names.

    Parameters
    ----------
    config : RunConfig
        The configuration of the run that continues it.
    data_sha256 : str
        Hash of the data of the run that continues it.

    Raises
    ------
    UserError
        If the folder holds no run, the run is still going on, its checkpoint is missing or
        unusable, its tables are damaged, nothing was merged in it, or it was made with other
        settings, data, code or precision.
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
