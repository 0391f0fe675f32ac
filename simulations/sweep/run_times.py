"""Estimates how long runs take, from recorded runs, or else from typical speeds."""

import statistics
from collections.abc import Iterable
from pathlib import Path

from fog_flower.config import RunConfig
from fog_flower.records.reading import read_run
from fog_flower.records.recorder import FINISHED
from simulations.sweep.sweep_folder import rounds_made
from simulations.sweep.sweep_plan import PlannedRun, SweepPlan

# Images per second on 2 cores, (training, evaluation): a first guess if there is no record.
_SPEED = {
    "mlp": (2400, 16_000),
    "mlp-shift": (2000, 16_000),
    "mlp-norm-shift": (1800, 15_000),
    "mlp-2-hidden": (5000, 30_000),
    "mlp-narrow": (20_000, 40_000),
    "linear": (40_000, 40_000),
    "cnn": (400, 1200),
    "cnn-shift": (400, 1200),
    "cnn-norm-shift": (300, 1000),
    "cnn-narrow": (2200, 9000),
    "cnn-small": (10_000, 40_000),
}
_OTHER = (1000, 5000)
_START_SECONDS = 1.0


def guess_seconds(config: RunConfig) -> float:
    """Guess the duration of a run, in seconds, from numbers of images and typical speeds."""
    training, evaluation = _SPEED.get(config.model, _OTHER)
    gate = int(config.gate_args.get("examples", 500)) or config.validation_examples
    trials = 0 if config.gate == "off" else config.fog_nodes * gate
    local = config.fog_nodes * (config.local_validation_examples or config.validation_examples)
    evaluated = local + config.validation_examples + (config.test_examples or 16_032) + trials
    trained = (config.train_examples or 73_257) * config.local_epochs
    return _START_SECONDS + config.num_server_rounds * (trained / training + evaluated / evaluation)


def _recorded_seconds(folder: Path) -> list[float]:
    records = map(read_run, sorted(folder.glob("seed-*")))
    return [
        float(record["seconds"])
        for record in records
        if record.get("status") == FINISHED and record.get("seconds")
    ]


class Estimator:
    """Estimates the duration of a sweep's runs, from those recorded so far."""

    def __init__(self, plan: SweepPlan) -> None:
        self._plan = plan
        self._seconds: dict[str, list[float]] = {}
        self._ratios: list[float] = []
        # Runs of a cell only differ by seed, so runs of other seeds count too. Runs of other cells
        # show how fast the machine is.
        for cell in plan.experiment.cells:
            if found := _recorded_seconds(plan.folder / cell.name):
                run = plan.planned(cell, 0)
                for seconds in found:
                    self.learn(run, seconds)

    def learn(self, run: PlannedRun, seconds: float) -> None:
        """Record the duration of a run."""
        self._seconds.setdefault(run.cell.name, []).append(seconds)
        self._ratios.append(seconds / guess_seconds(run.config))

    @property
    def source(self) -> str:
        """A description of what the estimates are based on."""
        count = len(self._ratios)
        if not count:
            return "times are a guess: no run is recorded here"
        return f"times go by {count} recorded run{'s' * (count > 1)}, wherever they were made"

    def seconds(self, runs: Iterable[PlannedRun]) -> float:
        """Return the estimated total duration of runs, one after the other.

        Rounds that are already made do not count.
        """
        ratio = statistics.median(self._ratios) if self._ratios else 1.0
        return sum(
            self._left(run)
            * (
                statistics.median(self._seconds[run.cell.name])
                if run.cell.name in self._seconds
                else ratio * guess_seconds(run.config)
            )
            for run in runs
        )

    def _left(self, run: PlannedRun) -> float:
        """Return the share of a run's rounds that are still to be made."""
        return 1.0 - rounds_made(self._plan, run) / run.config.num_server_rounds
