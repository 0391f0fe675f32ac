"""Saves each measured figure at once."""

import csv
import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fog_flower.errors import UserError
from fog_flower.records.environment import hardware, versions
from fog_flower.records.files import write_json
from simulations.checkout import checkout_commit

SITTING = "sitting"


def facts_path(folder: Path, part: str) -> Path:
    """Return the path of the facts about a part's sessions."""
    return folder / f"{part}.json"


def facts_of(folder: Path, part: str) -> dict[str, dict[str, Any]]:
    """Return data, machine, versions and commit of each session of a part."""
    path = facts_path(folder, part)
    facts: dict[str, dict[str, Any]] = json.loads(path.read_text()) if path.exists() else {}
    return facts


def append_row(path: Path, row: Mapping[str, Any]) -> None:
    """Append a row to a CSV file, behind a header if it is the first one."""
    new = not path.exists()
    with path.open("a", newline="") as file:
        writer = csv.DictWriter(file, list(row), lineterminator="\n")
        if new:
            writer.writeheader()
        writer.writerow(row)


class Ledger:
    """A folder with one CSV file per part, to which rows are only added.

    Rows of one session (sitting) share a time stamp.

    Parameters
    ----------
    folder : Path
    data : str
        The kind of training images, for the report; rows contain their number.

    Raises
    ------
    UserError
        If the folder cannot be created.
    """

    def __init__(self, folder: Path, data: str) -> None:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise UserError(
                f"--out {folder}: cannot be a folder ({error.strerror}); name another one"
            ) from error
        self._folder = folder
        self.sitting = time.strftime("%Y-%m-%dT%H:%M:%S")
        self._facts = {
            "data": data,
            "hardware": hardware(),
            "versions": versions(),
            "git_commit": checkout_commit(),
        }

    def add(self, part: str, row: Mapping[str, Any]) -> None:
        """Append a row to ``PART.csv``, and the facts about the session to ``PART.json``.

        All rows of a part must have the same columns in the same order.
        """
        if self.sitting not in (facts := facts_of(self._folder, part)):
            write_json(facts_path(self._folder, part), {**facts, self.sitting: self._facts})
        append_row(self._folder / f"{part}.csv", {SITTING: self.sitting, **row})
