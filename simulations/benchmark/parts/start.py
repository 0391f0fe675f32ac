"""The time from the command to the start of round 1."""

import subprocess
import sys
import tempfile
import time
from pathlib import Path

from fog_flower.config import RunConfig
from fog_flower.errors import UserError
from fog_flower.records.reading import read_run
from fog_flower.records.run_folder import folder_of
from simulations.benchmark.bench_plan import Plan
from simulations.benchmark.cases import OURS, Case, config_of
from simulations.benchmark.ledger import Ledger
from simulations.benchmark.our_run import finished_run
from simulations.benchmark.worker import own_worker
from simulations.engines import INLINE, RAY
from simulations.preflight import check

PART = "start"
MODEL, FOG_NODES = "cnn", 3
IMAGES = 420  # few, because nothing after the start of round 1 is timed
FIRST, FURTHER = "first run of a process", "further run of a process"


def measure(plan: Plan, ledger: Ledger) -> None:
    """Time the start of both engines, with the data already in the cache."""
    with tempfile.TemporaryDirectory() as parent:
        folder = Path(parent)
        check(_config(folder))
        for repeat in range(plan.repeats):
            plan.say(f"start: ray, repeat {repeat + 1} of {plan.repeats}")
            _add(ledger, RAY, FIRST, repeat, _ray(folder))
            plan.say(f"start: inline, repeat {repeat + 1} of {plan.repeats}")
            asked = time.time()
            with own_worker() as worker:
                began = worker.submit(_inline, folder).result()
                _add(ledger, INLINE, FIRST, repeat, began - asked)
                for _ in range(2):
                    asked = time.time()
                    began = worker.submit(_inline, folder).result()
                    _add(ledger, INLINE, FURTHER, repeat, began - asked)


def _add(ledger: Ledger, engine: str, what: str, repeat: int, seconds: float) -> None:
    row = {"engine": engine, "what": what, "repeat": repeat, "seconds": round(seconds, 3)}
    ledger.add(PART, row)


def _config(folder: Path) -> RunConfig:
    return config_of(Case(OURS, MODEL, FOG_NODES, IMAGES, 1), folder)


def _ray(folder: Path) -> float:
    """Return the seconds from ``fog-flower run`` to round 1."""
    config = _config(folder)
    settings = [f"{key}={value}" for key, value in config.to_run_config().items()]
    command = [sys.executable, "-m", "simulations.cli", "run", *settings]
    asked = time.time()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise UserError(f"bench: `fog-flower run` failed: {done.stderr.strip()}")
    return _round_one(folder_of(config)) - asked


def _inline(folder: Path) -> float:
    """Make a run in this process, and return the time when round 1 began."""
    return _round_one(finished_run(_config(folder), INLINE))


def _round_one(folder: Path) -> float:
    """Return the time when round 1 began: when the records were closed, minus the run's seconds."""
    return (folder / "run.json").stat().st_mtime - float(read_run(folder)["seconds"])
