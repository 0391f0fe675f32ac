"""Ends a run whose launcher was killed, so that it does not keep using the cores unnoticed."""

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
    """Return an identifier of this process, which launched processes pass to ``end_with``."""
    return f"{os.getpid()}:{_started(os.getpid())}"


def end_with(launcher: str) -> None:
    """End this process and the whole run as soon as the launcher (``this_process``) has ended."""
    threading.Thread(target=_watch, args=(launcher,), daemon=True).start()


def is_alive(launcher: str) -> bool:
    """Check whether the process identified by ``this_process`` is running."""
    pid, _, started = launcher.partition(":")
    # A process id may be reused, but not with the same start time.
    return _started(int(pid)) == started


def processes_of(launcher: str) -> list[psutil.Process]:
    """Return all descendants of a launcher, by their environment, except this process."""
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
    # Descendants that ignore the signal outlive this process, so another process ends them.
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
    """Return the start time of a running process; empty if there is none.

    In ticks since boot where available, because adjusting the clock does not change them.
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
