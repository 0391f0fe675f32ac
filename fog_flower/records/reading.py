"""Reads a run's records, also while they are being written."""

import csv
import json
import math
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import filelock

from fog_flower.config import FLOAT32
from fog_flower.errors import UserError
from fog_flower.records.files import write_json
from fog_flower.records.recorder import (
    FAILED,
    INTERRUPTED,
    LOGGER,
    RUNNING,
    can_continue,
    final_figures,
)
from fog_flower.records.run_folder import default_parent
from fog_flower.renamed import completed

Row = dict[str, Any]
LOCK = ".going"  # a file lock, held by the process that makes a run

_WHOLE = ("round", "fog_node", "num_examples", "gate_images", "accepted", "rejected")
_TEXT = ("note", "reason")
# What stands around the name of a merge in the reason of an accepted update.
_ACCEPTED, _ENDING, _GROUP = (
    "accepted: ",
    re.compile(r",? is (taken|certified)$"),
    " (masked group ",
)
_DATA = {  # names in records of older versions
    "train_images": "train_examples",
    "validation_images": "validation_examples",
    "test_images": "test_examples",
    "train_class_counts": "train_group_counts",
}


def read_run(folder: Path) -> dict[str, Any]:
    """Return the content of ``run.json``; empty while there is none.

    Configuration keys that are newer than the record get the value for what the run did.
    """
    path = folder / "run.json"
    if not path.exists():
        return {}
    content: dict[str, Any] = json.loads(path.read_text())
    if "config" in content:
        content["config"] = completed(content["config"])
    if "data" in content:
        content["data"] = {_DATA.get(k, k): v for k, v in content["data"].items()}
    return content


def read_rounds(folder: Path) -> list[dict[str, str]]:
    """Return the rows of ``rounds.csv`` so far, as text."""
    path = folder / "rounds.csv"
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def typed_rows(path: Path) -> list[Row]:
    """Return the rows of ``rounds.csv`` or ``updates.csv`` so far, as bool, int, float or text."""
    if not path.exists():
        return []
    with path.open(newline="") as file:
        return [
            {key: _typed(key, text) for key, text in row.items()} for row in csv.DictReader(file)
        ]


def merges_taken(folder: Path) -> dict[int, str]:
    """Return the merge of each round in which a gate took another one than the plain merge.

    There the gate gives weights. The name of the merge is what its reasons have in common, e.g.
    ``the learned merge``; if reasons differ by update, it is ``weighed by the gate``.
    """
    reasons: dict[int, set[str]] = {}
    for row in typed_rows(folder / "updates.csv"):
        if row["accepted"] and not math.isnan(row.get("weight", math.nan)):
            told = row["reason"].partition(_GROUP)[0].removeprefix(_ACCEPTED)
            reasons.setdefault(row["round"], set()).add(_ENDING.sub("", told))
    return {
        number: min(told) if len(told) == 1 else "weighed by the gate"
        for number, told in reasons.items()
    }


def _typed(column: str, text: str) -> Any:
    if column in _TEXT:
        return text
    if text in ("True", "False"):
        return text == "True"
    return int(text) if column in _WHOLE or column.startswith("bytes_") else float(text)


def computed_in(run: Mapping[str, Any]) -> str:
    """Return the precision that a run's nodes reported, else the configured one."""
    asked = run["config"].get("precision", FLOAT32)
    return str((run.get("nodes") or {}).get("precision", asked))


def find_run(name: str) -> Path:
    """Return a run's folder from its path, or its name in ``results/runs`` or ``default_parent``.

    Raises
    ------
    UserError
        If there is no ``run.json``.
    """
    places = (Path(name), Path("results", "runs", name), default_parent() / name)
    for folder in places:
        if (folder / "run.json").is_file():
            return folder
    for folder in places:
        if runs := sorted(path.parent for path in folder.glob("**/run.json")):
            raise UserError(
                f"{name!r} is not a run, but holds {len(runs)}: name one of them, e.g. {runs[0]}"
            )
    raise UserError(f"{name!r} is not a run: there is no run.json in {', '.join(map(str, places))}")


def note_memory(folder: Path, peak: int) -> None:
    """Add the peak memory of all processes (``peak``, in bytes) to the record of an ended run."""
    if run := read_run(folder):
        before = [part.get("peak_memory_gib") or 0.0 for part in run.get("stretches", [])]
        highest = max(round(peak / 2**30, 2), *before, 0.0)
        _correct(folder, {**run, "peak_memory_gib": highest})


def close_run(folder: Path, *, interrupted: bool, cause: str) -> None:
    """Correct the status and figures of a run whose server process ended before it could."""
    run = read_run(folder)
    if run.get("status") == RUNNING:
        known = {"status": INTERRUPTED if interrupted else FAILED, "cause": cause}
        told = {"can_continue": can_continue(folder, run)}
        _correct(folder, {**run, **known, **told, **figures_so_far(folder)})


def _correct(folder: Path, run: Mapping[str, Any]) -> None:
    try:
        write_json(folder / "run.json", run)
    except UserError as error:  # the run's own cause matters more than this error
        LOGGER.error("%s", error)


def figures_so_far(folder: Path) -> dict[str, Any]:
    """Return the figures that ``run.json`` would have for the rounds on disk."""
    rounds = typed_rows(folder / "rounds.csv")
    return {"final": final_figures(rounds), "seconds": round(seconds_of(rounds), 3)}


def seconds_of(rounds: Sequence[Row]) -> float:
    """Return the total duration of the rounds; row 0 is not a round."""
    return float(sum(row["round_seconds"] for row in rounds[1:]))


def is_orphan(folder: Path, patience: float = 0.0) -> bool:
    """Return whether the process that made the run has ended; False if there was none.

    Parameters
    ----------
    folder : Path
    patience : float
        Seconds to wait for the process to end.

    Raises
    ------
    UserError
        If its lock cannot be opened.
    """
    path = folder / LOCK
    if not path.exists():
        return False
    try:
        with filelock.FileLock(path, timeout=patience):
            return True
    except filelock.Timeout:
        return False
    except OSError as error:
        raise UserError(
            f"{path} cannot be opened ({error.strerror}), so it is not known whether the run "
            "is still running; copy the folder to where you may write"
        ) from error
