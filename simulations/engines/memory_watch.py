"""Measures the memory of a process and all its descendants."""

import contextlib
import threading
import time

import psutil

SECONDS = 0.5  # least time between two measurements
SHARE = 0.02  # of a core that measuring may take


def tree_bytes() -> int:
    """Return the memory of this process and its descendants, in bytes.

    The sum of the proportional set sizes where the system has them (Linux), so that shared memory
    counts once; of the resident set sizes elsewhere.
    """
    here = psutil.Process()
    return sum(_bytes(process) for process in (here, *here.children(recursive=True)))


def _bytes(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
        with contextlib.suppress(psutil.AccessDenied):
            full = process.memory_full_info()
            return int(getattr(full, "pss", full.rss))
        return int(process.memory_info().rss)
    return 0


class MemoryWatch:
    """Measures ``tree_bytes`` repeatedly in a thread, and keeps the maximum in ``peak``.

    Parameters
    ----------
    seconds : float
        Least time between two measurements. Linux counts pages each time, which takes a few
        milliseconds per gigabyte, or tens on a busy machine. So the longer a measurement takes, the
        longer the pause after it.
    """

    def __init__(self, seconds: float = SECONDS) -> None:
        self.peak = 0
        self._seconds = seconds
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._look, daemon=True)

    def __enter__(self) -> "MemoryWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        self.peak = max(self.peak, tree_bytes())

    def _look(self) -> None:
        pause = self._seconds
        while not self._stopped.wait(pause):
            began = time.thread_time()
            self.peak = max(self.peak, tree_bytes())
            pause = max(self._seconds, (time.thread_time() - began) / SHARE)
