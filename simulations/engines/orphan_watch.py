"""Ends a run whose launcher was killed, so that it does not go on unseen and take the cores."""

import contextlib
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

from fog_flower.variables import LAUNCHER_VARIABLE

PROCESSES, ZOMBIE = Path("/proc"), "Z"
POLL_SECONDS = 1.0
GRACE_SECONDS = 10.0


def this_process() -> str:
    """Return what names this process, for ``end_with`` in what it launches."""
    return f"{os.getpid()}:{_started(os.getpid())}"


def end_with(launcher: str) -> None:
    """End this process, and all of the run, where the one that ``this_process`` named has ended."""
    threading.Thread(target=_watch, args=(launcher,), daemon=True).start()


def is_alive(launcher: str) -> bool:
    """Tell whether the process that ``this_process`` named is there."""
    pid, _, started = launcher.partition(":")
    # A number may be taken again by another process, a number and a start time not.
    return _started(int(pid)) == started


def processes_of(launcher: str) -> list[psutil.Process]:
    """Return all that a launcher started, and what those started, but this process."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            theirs = process.environ().get(LAUNCHER_VARIABLE) == launcher
            if theirs and process.pid != os.getpid() and _started(process.pid):
                found.append(process)
    return found


def _watch(launcher: str) -> None:
    while is_alive(launcher):
        time.sleep(POLL_SECONDS)
    # Whoever is below this process and does not obey outlives it.
    subprocess.Popen(
        [sys.executable, "-P", "-m", __name__, launcher],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    os.kill(os.getpid(), signal.SIGTERM)  # Flower's handler stops Ray as well
    time.sleep(GRACE_SECONDS)
    os._exit(1)


def _end_those_left(launcher: str) -> None:
    deadline = time.monotonic() + 2 * GRACE_SECONDS
    while left := processes_of(launcher):
        if time.monotonic() > deadline:
            for process in left:
                with contextlib.suppress(psutil.Error):
                    process.kill()
        time.sleep(POLL_SECONDS)


def _started(pid: int) -> str:
    """Return when a process started, as long as it lives; empty for none.

    In ticks since the system started, where it has them: a clock that is set does not change them.
    """
    try:
        if (PROCESSES / "self" / "stat").exists():
            fields = (PROCESSES / str(pid) / "stat").read_text().rpartition(")")[2].split()
            return "" if fields[0] == ZOMBIE else fields[19]
        process = psutil.Process(pid)
        zombie = process.status() == psutil.STATUS_ZOMBIE
        return "" if zombie else str(process.create_time())
    except (OSError, psutil.Error):
        return ""


if __name__ == "__main__":
    _end_those_left(sys.argv[1])
