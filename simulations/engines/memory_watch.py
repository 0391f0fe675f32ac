"""How much memory a process and all its children take together."""

import contextlib
import threading
import time

import psutil

SECONDS = 0.5  # between two looks, at least
SHARE = 0.02  # of a core that looking may take


def tree_bytes() -> int:
    """Return the memory of this process and its descendants, what they share counted once.

    By proportional set size where the system has it (Linux), by resident set size elsewhere.
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
    """Looks at ``tree_bytes`` again and again, and keeps the highest.

    Parameters
    ----------
    seconds : float
        Between two looks, at least. Linux counts pages for each: a few milliseconds a gigabyte on
        a good machine, tens on a busy one, so the longer a look takes, the rarer it is.
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
