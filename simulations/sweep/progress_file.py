"""The progress of a sweep, in a file of its folder, for ``fog-flower watch``."""

import contextlib
import dataclasses
import json
from pathlib import Path

from fog_flower.errors import UserError
from fog_flower.records.files import write_json

FILE = ".progress.json"


@dataclasses.dataclass(frozen=True)
class Told:
    """The last reported progress of a sweep.

    Attributes
    ----------
    total : int
        All its runs, including those recorded before.
    remaining_seconds : float
        Its own estimate.
    process : str
        The process that makes the runs; see ``this_process``.
    """

    total: int
    remaining_seconds: float
    process: str


def write_progress(folder: Path, told: Told) -> None:
    """Write the progress; ignore an error, so that the sweep continues."""
    with contextlib.suppress(UserError):
        write_json(folder / FILE, dataclasses.asdict(told))


def read_progress(folder: Path) -> Told | None:
    """Return the last reported progress; None if there is none."""
    path = folder / FILE
    return Told(**json.loads(path.read_text())) if path.exists() else None
