"""Makes several runs of a sweep in parallel, each in its own process with a share of the cores."""

import math
import multiprocessing
import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool

from fog_flower.config import RunConfig
from fog_flower.errors import UserError
from fog_flower.processor import usable_cores
from fog_flower.records.reading import read_rounds
from fog_flower.records.run_folder import folder_of
from fog_flower.variables import THREADS_VARIABLE
from simulations.engines import INLINE, Outcome, engine_named
from simulations.engines.orphan_watch import end_with, this_process
from simulations.preflight import check, import_from_here
from simulations.quiet import load_tensorflow_quietly
from simulations.sweep.sweep_plan import PlannedRun

Started = Callable[[PlannedRun, str], None]  # called with a run and a text about its progress
STARTING = "starting"  # of a run without any round
LOOK_SECONDS = 0.5  # between two reads of the records of the runs in progress


def run_together(
    runs: Sequence[PlannedRun], jobs: int, started: Started
) -> Iterator[tuple[PlannedRun, Outcome]]:
    """Make the runs with the inline engine, ``jobs`` at a time; yield each as it ends.

    Small models do not use several cores well, so two runs in parallel take less time than one
    after the other. Workers live as long as the sweep, and import TensorFlow once.

    Raises
    ------
    UserError
        If a worker dies, e.g. for lack of memory. Runs that have ended stay recorded.
    """
    threads = max(1, usable_cores() // jobs)
    executor = ProcessPoolExecutor(
        jobs,
        mp_context=multiprocessing.get_context("spawn"),
        initializer=_prepare_worker,
        initargs=(threads, this_process()),
    )
    waiting, running = iter(runs), dict[Future[Outcome], PlannedRun]()
    try:
        # Submit no more runs than can start at once, so that no others have to be cancelled.
        for run in waiting:
            started(run, STARTING)
            running[executor.submit(_make, run.config)] = run
            if len(running) >= jobs:
                yield from _ended(running, started)
        while running:
            yield from _ended(running, started)
    except BrokenProcessPool as error:
        names = ", ".join(run.name for run in running.values())
        raise UserError(
            f"--jobs {jobs}: a process died while making {names} (out of memory?); repeat the "
            "command to continue, perhaps with fewer --jobs"
        ) from error
    finally:
        for process in list((executor._processes or {}).values()):
            process.terminate()
        executor.shutdown(wait=True, cancel_futures=True)


def last_round(run: PlannedRun, rows: Sequence[Mapping[str, str]]) -> str:
    """Describe the last round and its test accuracy from the rows of ``rounds.csv``."""
    told, accuracy = rows[-1]["round"], float(rows[-1]["test_accuracy"])
    known = "" if math.isnan(accuracy) else f", test {accuracy:.2%}"
    return f"round {told}/{run.config.num_server_rounds}{known}"


def _ended(
    running: dict["Future[Outcome]", PlannedRun], started: Started
) -> Iterator[tuple[PlannedRun, Outcome]]:
    seen: dict[str, int] = {}
    while not (done := wait(running, LOOK_SECONDS, FIRST_COMPLETED).done):
        for run in running.values():
            rows = read_rounds(folder_of(run.config))
            if len(rows) > seen.get(run.name, 0):
                seen[run.name] = len(rows)
                started(run, last_round(run, rows))
    for future in done:
        run = running[future]
        outcome = future.result()
        del running[future]
        yield run, outcome


def _prepare_worker(threads: int, launcher: str) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent handles Ctrl-C
    os.environ[THREADS_VARIABLE] = str(threads)
    end_with(launcher)
    import_from_here()
    load_tensorflow_quietly()


def _make(config: RunConfig) -> Outcome:
    check(config)
    return engine_named(INLINE)(config, lambda _rounds: None)
