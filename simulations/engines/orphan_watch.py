"""Ends a run whose launcher was killed, so that it does not go on unseen and take the cores."""

import os
import signal
import threading
import time

import psutil

POLL_SECONDS = 1.0
GRACE_SECONDS = 10.0


def this_process() -> str:
    """Return what names this process, for ``end_with`` in what it launches."""
    return f"{os.getpid()}:{psutil.Process().create_time()}"


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
    try:
        # A number may be taken again by another process, a number and a start time not.
        process = psutil.Process(int(pid))
        return f"{process.create_time()}" == started and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
