"""Ends a run whose launcher was killed, so that it does not go on unseen and take the cores."""

import os
import signal
import threading
import time
from pathlib import Path

import psutil

PROCESSES, ZOMBIE = Path("/proc"), "Z"
POLL_SECONDS = 1.0
GRACE_SECONDS = 10.0


def this_process() -> str:
    """Return what names this process, for ``end_with`` in what it launches."""
    return f"{os.getpid()}:{_started(os.getpid())}"


def end_with(launcher: str) -> None:
    """End this process where the one that ``this_process`` named has ended."""
    threading.Thread(target=_watch, args=(launcher,), daemon=True).start()


def _watch(launcher: str) -> None:
    while _alive(launcher):
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)  # Flower's handler stops Ray as well
    time.sleep(GRACE_SECONDS)
    os._exit(1)


def _alive(launcher: str) -> bool:
    pid, _, started = launcher.partition(":")
    # A number may be taken again by another process, a number and a start time not.
    return _started(int(pid)) == started


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
