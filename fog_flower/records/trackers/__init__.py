"""Who follows a run round by round, a file each: TensorBoard, Weights & Biases, MLflow.

A tracker is a class without arguments that keeps the ``Tracker`` protocol. A user's own is
``trackers=module:Class``.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from fog_flower.errors import UserError
from fog_flower.named import Catalogue

TRACKERS = Catalogue(__name__, "trackers", own="module:Class")


class Tracker(Protocol):
    """Follows one run."""

    def start(self, folder: Path, facts: Mapping[str, Any]) -> None:
        """Begin: the run's folder, and what ``run.json`` tells before round 1."""
        ...

    def log(self, row: Mapping[str, Any], updates: Sequence[Mapping[str, Any]]) -> None:
        """Take a round's row of ``rounds.csv`` and its rows of ``updates.csv``."""
        ...

    def end(self, status: str) -> None:
        """End: ``finished``, ``failed`` or ``interrupted``."""
        ...


def build_tracker(name: str) -> Tracker:
    """Build one by name.

    Raises
    ------
    UserError
        If there is none of that name, or it is no tracker.
    """
    tracker = TRACKERS.load(name).item()
    missing = [m for m in ("start", "log", "end") if not callable(getattr(tracker, m, None))]
    if missing:
        raise UserError(
            f"trackers={name!r}: made a {type(tracker).__name__} without {', '.join(missing)}; a "
            "tracker has start(folder, facts), log(row, updates) and end(status)"
        )
    made: Tracker = tracker
    return made
