"""Trackers that follow a run round by round, one file each: TensorBoard, Weights & Biases, MLflow.

A tracker is a class without arguments that implements the ``Tracker`` protocol. A user's own is
``trackers=module:Class``, or ``trackers=module:function`` for a function that is called with each
round's ``(row, updates)``.
"""

import inspect
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from fog_flower.causes import describe_failure
from fog_flower.errors import UserError
from fog_flower.named import Catalogue

TRACKERS = Catalogue(__name__, "trackers", own="module:Class")
Row = Mapping[str, Any]
_PARTS = ("start", "log", "end")
_WANTED = (
    "a tracker is a class without arguments that has start(folder, facts), log(row, updates) and "
    "end(status), or a function (row, updates)"
)


class Tracker(Protocol):
    """Follows one run. Exceptions are noted and do not end the run, except in ``start``."""

    def start(self, folder: Path, facts: Mapping[str, Any]) -> None:
        """Begin, with the run's folder and the facts in ``run.json`` before round 1."""
        ...

    def log(self, row: Row, updates: Sequence[Row]) -> None:
        """Log a round: its row of ``rounds.csv`` and its rows of ``updates.csv``."""
        ...

    def end(self, status: str) -> None:
        """End with ``finished``, ``failed`` or ``interrupted``; the run's files are written."""
        ...


class Callback:
    """A tracker that calls a function after every round.

    Parameters
    ----------
    function : callable
        Called with a round's row of ``rounds.csv`` and its rows of ``updates.csv``.
    """

    def __init__(self, function: Callable[[Row, Sequence[Row]], object]) -> None:
        self._function = function

    def start(self, folder: Path, facts: Mapping[str, Any]) -> None:
        """Do nothing."""

    def log(self, row: Row, updates: Sequence[Row]) -> None:
        """Call the function."""
        self._function(row, updates)

    def end(self, status: str) -> None:
        """Do nothing."""


def build_tracker(name: str) -> Tracker:
    """Build a tracker by name.

    Raises
    ------
    UserError
        If the name is unknown, or the tracker lacks a method, cannot be built, or needs a package
        that is not installed.
    """
    item = TRACKERS.load(name).item
    if callable(item) and not inspect.isclass(item):
        return Callback(_checked_function(name, item))
    if not callable(item):
        raise UserError(f"trackers={name!r}: is a {type(item).__name__}; {_WANTED}")
    lacking = [part for part in _PARTS if not callable(getattr(item, part, None))]
    if lacking:
        raise UserError(f"trackers={name!r}: has no {', '.join(lacking)}; {_WANTED}")
    try:
        made: Tracker = item()
    except UserError:
        raise
    except Exception as error:
        raise UserError(f"trackers={name!r}: {describe_failure(error)}; {_WANTED}") from error
    return made


def _checked_function(name: str, function: Callable[..., object]) -> Callable[..., object]:
    try:
        inspect.signature(function).bind({}, [])
    except (TypeError, ValueError) as error:
        raise UserError(f"trackers={name!r}: {error}; {_WANTED}") from error
    return function
