"""Ends a run whose launcher was killed, so that it does not go on unseen and take the cores."""

import functools
import os
import signal
import threading
import time

import psutil

from fog_flower.variables import LAUNCHER_VARIABLE

POLL_SECONDS = 1.0
GRACE_SECONDS = 10.0


def this_process() -> str:
    """Return what a launcher puts into the environment of what it launches."""
    return f"{os.getpid()}:{psutil.Process().create_time()}"


@functools.cache  # one watch serves all runs of a process
def end_with_launcher() -> None:
    """Watch the launcher from a daemon thread; without one, do nothing."""
    launcher = os.environ.get(LAUNCHER_VARIABLE)
    if launcher:
        threading.Thread(target=_watch, args=(launcher,), daemon=True).start()


def _watch(launcher: str) -> None:
    while _alive(launcher):
        time.sleep(POLL_SECONDS)
    os.kill(os.getpid(), signal.SIGTERM)  # Flower's handler stops Ray as well
    time.sleep(GRACE_SECONDS)
    os._exit(1)


def _alive(launcher: str) -> bool:
    pid, _, started = launcher.partition(":")
    try:
        # A number may be taken again by another process, a number and a start time not.
        process = psutil.Process(int(pid))
        return f"{process.create_time()}" == started and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
