"""The interface of all engines."""

import contextlib
import dataclasses
import importlib
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Protocol

import filelock

from fog_flower.config import RunConfig
from fog_flower.errors import UserError
from fog_flower.extras import require
from fog_flower.records.reading import note_memory, read_rounds
from fog_flower.records.run_folder import folder_of
from fog_flower.suggestion import check_known
from simulations.engines.memory_watch import MemoryWatch

RAY, INLINE = "ray", "inline"
ENGINES = {RAY: "simulations.engines.ray_engine", INLINE: "simulations.engines.inline_engine"}
POLL_SECONDS = 0.25
MEMORY_SECONDS = 5.0  # between two measurements, which take part of the run's measured time

Watch = Callable[[list[dict[str, str]]], None]


@dataclasses.dataclass(frozen=True)
class Outcome:
    """How a run ended: ``cause`` is empty if it finished."""

    folder: Path
    cause: str


Launch = Callable[[Watch], Outcome]


class Prepare(Protocol):
    """The ``prepared`` function of an engine's module, which starts what a run needs in advance."""

    def __call__(
        self, config: RunConfig, actors: int | None = None
    ) -> contextlib.AbstractContextManager[Launch]:
        """Return a context manager that yields a function to make the run."""
        ...


@dataclasses.dataclass(frozen=True)
class Engine:
    """An engine, which runs configurations to their end."""

    prepare: Prepare

    def __call__(self, config: RunConfig, watch: Watch, actors: int | None = None) -> Outcome:
        """Make a run, and call ``watch`` with the rows of ``rounds.csv`` after new rounds."""
        with self.prepared(config, actors) as launch:
            return launch(watch)

    @contextlib.contextmanager
    def prepared(self, config: RunConfig, actors: int | None = None) -> Iterator[Launch]:
        """Reserve the run's folder and load what the run needs, while the caller does other checks.

        Raises
        ------
        UserError
            If another process makes a run in that folder, or has made one.
        """
        with _reserved(folder_of(config)), self.prepare(config, actors) as launch:
            yield launch


def engine_named(name: str) -> Engine:
    """Return the engine of that name, and load only that one.

    Raises
    ------
    UserError
        If there is no such engine, or one of its dependencies is not installed.
    """
    check_known(f"--engine {name!r}", name, ENGINES)
    if name == RAY:
        require("--engine ray", "ray")
    return Engine(importlib.import_module(ENGINES[name]).prepared)


@contextlib.contextmanager
def observed(folder: Path, watch: Watch) -> Iterator[None]:
    """Report new rounds to ``watch`` during a run, and record the run's peak memory."""
    memory = MemoryWatch(MEMORY_SECONDS)
    try:
        with RoundWatch(folder, watch), memory:
            yield
    finally:  # also if the run was interrupted
        note_memory(folder, memory.peak)


class RoundWatch:
    """Reports new rounds to ``watch``; it reads the records, which both engines write."""

    def __init__(self, folder: Path, watch: Watch) -> None:
        self._folder = folder
        self._watch = watch
        self._seen = 0
        self._stopped = threading.Event()
        self._thread = threading.Thread(target=self._poll, daemon=True)

    def look(self) -> None:
        """Read the records once, and report new rounds."""
        rounds = read_rounds(self._folder)
        if len(rounds) > self._seen:
            self._seen = len(rounds)
            self._watch(rounds)

    def __enter__(self) -> "RoundWatch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        self._thread.join()
        self.look()

    def _poll(self) -> None:
        while not self._stopped.is_set():
            self.look()
            self._stopped.wait(POLL_SECONDS)


@contextlib.contextmanager
def _reserved(folder: Path) -> Iterator[None]:
    """Reserve a run's folder for this process, because the run creates it only after Flower starts.

    Raises
    ------
    UserError
        If another process makes a run there or has made one, or its parent cannot be written.
    """
    path = folder.parent / f".{folder.name}.lock"
    lock = filelock.FileLock(path)
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        lock.acquire(timeout=0)
    except filelock.Timeout as error:
        raise UserError(
            f"{folder} is being made by another process: wait for it, or choose another run-name"
        ) from error
    except OSError as error:
        raise UserError(
            f"results-dir={str(folder.parent)!r}: cannot write there ({error.strerror}); use "
            "another"
        ) from error
    try:
        if folder.exists():
            raise UserError(
                f"{folder} was created by another run meanwhile; choose another run-name"
            )
        yield
    finally:
        path.unlink(missing_ok=True)
        lock.release()
