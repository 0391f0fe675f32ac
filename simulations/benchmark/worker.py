"""A process for what needs TensorFlow: the launcher of Ray's runs stays without it."""

import contextlib
import multiprocessing
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor


@contextlib.contextmanager
def own_worker() -> Iterator[ProcessPoolExecutor]:
    """Start a process that does one thing after the other; it is gone afterwards."""
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as worker:
        yield worker
