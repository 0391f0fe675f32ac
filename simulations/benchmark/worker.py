"""A process for work that needs TensorFlow, which the launcher of Ray's runs does not load."""

import contextlib
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor


@contextlib.contextmanager
def own_worker() -> Iterator[ProcessPoolExecutor]:
    """Start a process that runs tasks one after the other, and terminate it afterwards.

    On an error or Ctrl-C its task is not awaited, because an epoch can take a minute.
    """
    worker = ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn"))
    try:
        yield worker
    finally:
        for process in list((worker._processes or {}).values()):
            process.terminate()
        worker.shutdown(wait=True, cancel_futures=True)
