"""Keeps every measured figure the moment it is there."""

import csv
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fog_flower.records.environment import hardware, versions
from fog_flower.records.files import write_json
from simulations.checkout import checkout_commit

SITTING = "sitting"


class Ledger:
    """One csv a part in a folder; rows of one sitting share a time stamp, none is ever removed.

    Parameters
    ----------
    folder : Path
    data : str
        Which images were trained, for the report.
    """

    def __init__(self, folder: Path, data: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self.sitting = time.strftime("%Y-%m-%dT%H:%M:%S")
        self._facts = {
            "data": data,
            "hardware": hardware(),
            "versions": versions(),
            "git_commit": checkout_commit(),
        }

    def add(self, part: str, row: Mapping[str, Any]) -> None:
        """Append a row to ``PART.csv``, and say with what its sitting was made.

        The rows of a part have the same columns in the same order.
        """
        path = self._folder / f"{part}.csv"
        new = not path.exists()
        with path.open("a", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            if new:
                writer.writerow([SITTING, *row])
            writer.writerow([self.sitting, *row.values()])
        write_json(self._folder / f"{part}.json", {**self._facts, SITTING: self.sitting})
