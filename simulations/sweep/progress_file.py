"""How far a sweep is, in a file of its folder, for whoever watches it."""

import contextlib
import dataclasses
import json
from pathlib import Path

from fog_flower.errors import UserError
from fog_flower.records.files import write_json

FILE = ".progress.json"


@dataclasses.dataclass(frozen=True)
class Told:
    """What a sweep told last.

    Attributes
    ----------
    total : int
        Runs that it makes, with those that were recorded before.
    remaining_seconds : float
        That it will take, by its own estimate.
    process : str
        Who makes them: see ``this_process``.
    """

    total: int
    remaining_seconds: float
    process: str


def write_progress(folder: Path, told: Told) -> None:
    """Write it; a sweep goes on where it cannot be written."""
    with contextlib.suppress(UserError):
        write_json(folder / FILE, dataclasses.asdict(told))


def read_progress(folder: Path) -> Told | None:
    """Return what was told last; None where nothing was."""
    path = folder / FILE
    return Told(**json.loads(path.read_text())) if path.exists() else None
