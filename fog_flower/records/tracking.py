"""Calls all trackers of a run; once it has started, a failing tracker never ends it."""

import copy
import logging
import threading
import weakref
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fog_flower.causes import describe_failure
from fog_flower.errors import UserError
from fog_flower.records.only_w import facts_of_w, row_of_w
from fog_flower.records.trackers import Tracker, build_tracker

INTERRUPTED = "interrupted"
_log = logging.getLogger("flwr")  # Flower's logger, without importing Flower


class Tracking:
    """Passes what happens in a run to its trackers.

    A tracker that raises gets no more rounds. This is logged once and noted in ``failures``, and
    its ``end`` is still called. If Flower ends the process during a run, the trackers end as
    ``interrupted``, because the ServerApp is a thread, which is not interrupted itself.

    Parameters
    ----------
    trackers : mapping of str to Tracker
        By their names in the configuration.
    only_w : bool
        Whether they get nothing that tells of single fog nodes: no updates, and of rounds and facts
        only what is computed from W (``fog_flower.records.only_w``).

    Attributes
    ----------
    failures : list of str
        Which trackers failed, when and why.
    """

    def __init__(self, trackers: Mapping[str, Tracker], *, only_w: bool = False) -> None:
        self._only_w = only_w
        self.failures: list[str] = []
        self._trackers = dict(trackers)
        self._started: dict[str, Tracker] = {}
        self._following: dict[str, Tracker] = {}
        self._lock = threading.RLock()
        self._ended = False

    def start(self, folder: Path, facts: Mapping[str, Any]) -> None:
        """Start all trackers, before round 1.

        Raises
        ------
        UserError
            If one cannot start. Nothing has been computed yet, so the user can fix it.
        """
        if self._trackers:
            self._end_with_process()
        facts = facts_of_w(facts) if self._only_w else facts
        for name, tracker in self._trackers.items():
            try:
                tracker.start(folder, copy.deepcopy(dict(facts)))
            except UserError:
                raise
            except (Exception, SystemExit) as error:
                raise UserError(
                    f"trackers={name!r}: cannot start ({describe_failure(error)}); mend that, or "
                    "leave it out"
                ) from error
            self._started[name] = self._following[name] = tracker

    def log(self, row: Mapping[str, Any], updates: Sequence[Mapping[str, Any]]) -> None:
        """Log a round with all trackers that have not failed; each gets its own copies."""
        if self._only_w:
            row, updates = row_of_w(row), []
        with self._lock:
            if self._ended:
                return
            for name, tracker in list(self._following.items()):
                try:
                    tracker.log(dict(row), [dict(update) for update in updates])
                except (Exception, SystemExit) as error:
                    del self._following[name]
                    when = f"stopped following in round {row['round']}"
                    self._note(f"{name} {when}: {describe_failure(error)}")

    def end(self, status: str) -> None:
        """End all trackers that were started; later calls do nothing."""
        with self._lock:
            if self._ended:
                return
            self._ended = True
            for name, tracker in self._started.items():
                try:
                    tracker.end(status)
                except (Exception, SystemExit) as error:
                    if name in self._following:  # else its first failure is noted already
                        self._note(f"{name} did not end well: {describe_failure(error)}")

    def _note(self, failure: str) -> None:
        self.failures.append(failure)
        _log.warning("trackers: %s; the run goes on", failure)

    def _end_with_process(self) -> None:
        # Flower has no public hook for this. A weak reference, because Flower keeps the handler.
        from flwr.supercore.exit import add_exit_handler  # noqa: PLC0415

        reference = weakref.ref(self)

        def end() -> None:
            tracking = reference()
            if tracking is not None:
                tracking.end(INTERRUPTED)

        add_exit_handler(end, run_before_force_exit=True)


def build_trackers(names: Sequence[str], *, only_w: bool = False) -> Tracking:
    """Build the trackers that the configuration names; for ``only_w`` see ``Tracking``.

    Raises
    ------
    UserError
        If one of them is unknown or not a tracker.
    """
    return Tracking({name: build_tracker(name) for name in names}, only_w=only_w)
