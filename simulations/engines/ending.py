"""Detects from outside how a run on Flower ended, and describes it in one line."""

import errno
import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from fog_flower.records.reading import read_run
from fog_flower.records.recorder import FINISHED, RUNNING
from simulations.engines.outcome import POLL_SECONDS
from simulations.engines.processes import how_it_ended
from simulations.engines.superlink import SuperLink

START_SECONDS = 300.0  # for Flower to start the simulation's process; 1 on a quiet machine
END_SECONDS = 60.0  # from the run's last record to the end of its process; 2 on a quiet machine
STATUS_SECONDS = 30.0  # for Flower to report the status of a run whose process has ended
NORMAL = (0, 1)  # exit statuses of Flower's processes; 1: a failure reported to the SuperLink
MEMORY_SHORT = 0.05  # of all memory
KILLS = Path("/proc/vmstat")
LIMIT = 500  # characters of a cause
GENERIC = "An error was encountered. Ending simulation."
GENERIC_CAUSE = "An exception occurred !! "


class MemoryLow:
    """Tracks the least available memory, and whether the kernel killed a process for lack of it."""

    def __init__(self) -> None:
        self._total = psutil.virtual_memory().total
        self._least = self._total
        self._kills = _kills()

    def look(self) -> None:
        """Measure the available memory once."""
        self._least = min(self._least, psutil.virtual_memory().available)

    def __str__(self) -> str:
        """Return a clause about the lack of memory; empty if there was enough."""
        if _kills() > self._kills:
            return "; the system ended a process meanwhile for lack of memory"
        if self._least < MEMORY_SHORT * self._total:
            return f"; memory was short: {self._least / 2**30:.1f} GiB were left"
        return ""


def wait_for_end(superlink: SuperLink, folder: Path, ray_failure: Callable[[], str]) -> str:
    """Wait until the run has ended, and return what ended it; empty if it ended normally."""
    memory, began = MemoryLow(), time.monotonic()
    recorded_since = 0.0
    while not (failure := superlink.failure() or ray_failure()):
        memory.look()
        if (status := superlink.simulation_status) is not None:
            return "" if status in NORMAL else f"{_killed(superlink, status)}{memory}"
        now = time.monotonic()
        if read_run(folder).get("status", RUNNING) == RUNNING:
            recorded_since = now
        elif now - recorded_since > END_SECONDS:
            return ""
        if not superlink.simulation_started and now - began > START_SECONDS:
            return f"Flower did not start the run in {START_SECONDS:.0f} s"
        time.sleep(POLL_SECONDS)
    return f"{failure}{memory}"


def cause_of(superlink: SuperLink, run_id: str, folder: Path, ended_by: str) -> str:
    """Return why the run failed, in one line; empty if it finished.

    Parameters
    ----------
    superlink : SuperLink
    run_id : str
    folder : Path
        Of the run.
    ended_by : str
        From ``wait_for_end``.
    """
    recorded = read_run(folder)
    if recorded.get("status") == FINISHED:  # the last thing that a run writes
        return ""
    if recorded.get("cause"):
        return str(recorded["cause"])
    return ended_by or _flowers_own_word(superlink, run_id)


def _flowers_own_word(superlink: SuperLink, run_id: str) -> str:
    """Return the cause that ``flwr ls`` reports for a run without records of its end.

    The exit status of ``flwr run`` is 0 whatever happens.
    """
    deadline = time.monotonic() + STATUS_SECONDS
    while superlink.alive and time.monotonic() < deadline:
        answer, _ = superlink.flwr_json("ls")
        runs = answer.get("runs", [])
        status: dict[str, Any] = next((run for run in runs if str(run.get("run-id")) == run_id), {})
        if status.get("status") == "finished:completed":
            return "Flower says completed, but the records are not: the run left no final figures"
        if str(status.get("status", "")).startswith("finished"):
            detail = str(status.get("status-details", ""))
            detail = detail.removeprefix("Simulation failed with exception: ").strip()
            return _without_disk(superlink, detail) or _plain(detail, superlink)
        time.sleep(0.5)
    return f"Flower does not say how the run ended; its last words: {superlink.last_words()}"


def _without_disk(superlink: SuperLink, detail: str) -> str:
    """Return cause and remedy if Flower had no room to write to the workspace; empty otherwise."""
    lacks_room = any(os.strerror(number) in detail for number in (errno.ENOSPC, errno.EDQUOT))
    if not lacks_room or str(superlink.workspace) not in detail:
        return ""
    return (
        f"{superlink.workspace} cannot be written ({os.strerror(errno.ENOSPC)}): make room there, "
        "or set TMPDIR to another folder"
    )


def _plain(detail: str, superlink: SuperLink) -> str:
    """Return Flower's cause; if that is only a generic message, the cause in its log."""
    if detail and detail != GENERIC:
        return detail[:LIMIT]
    told = [line for line in superlink.simulation_lines if GENERIC_CAUSE in line]
    return told[-1].partition(GENERIC_CAUSE)[2].strip() if told else superlink.last_words()


def _killed(superlink: SuperLink, status: int) -> str:
    return (
        f"the run's process ended ({how_it_ended(status)}); the last lines of its log: "
        f"{superlink.last_words()}"
    )


def _kills() -> int:
    """Return how many processes this kernel has killed for lack of memory."""
    try:
        counts = dict(line.split() for line in KILLS.read_text().splitlines())
        return int(counts.get("oom_kill", 0))
    except (OSError, ValueError):
        return 0
