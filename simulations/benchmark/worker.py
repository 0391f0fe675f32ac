"""A process for what needs TensorFlow: the launcher of Ray's runs stays without it."""

import contextlib
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor


@contextlib.contextmanager
def own_worker() -> Iterator[ProcessPoolExecutor]:
    """Start a process that does one thing after the other; it is gone afterwards, whatever it does.

    On an error or Ctrl-C it is not waited for: an epoch can take a minute.
    """
    worker = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield worker
    finally:
        for process in list((worker._processes or {}).values()):
            process.terminate()
        worker.shutdown(wait=True, cancel_futures=True)
