"""The runs of a sweep, with the configuration of each."""

import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path

from fog_flower.architecture import Scalar, settings_of
from fog_flower.artifacts import CHECKPOINT
from fog_flower.config import RunConfig
from fog_flower.data.sources.rendered_digits import NAME as RENDERED
from fog_flower.errors import UserError
from fog_flower.records.same_run import PLACES
from fog_flower.user_code import user_code
from simulations.app_folder import default_run_config
from simulations.experiments import Cell, Experiment, Scale
from simulations.experiments.experiment import DATASET
from simulations.overrides import configure_settings

_OWN = ("seed", "run-name", "results-dir", "continue-from")
_RECORDED = ("artifacts", "trackers", "data-seed")  # of no effect on results, or given by the seed
STAGING = ".running"  # below the sweep's folder; a run moves out of it when it has ended


@dataclasses.dataclass(frozen=True)
class PlannedRun:
    """One run of a sweep, with its configuration and the user's code.

    Attributes
    ----------
    code : mapping
        See ``user_code``. Taken when the sweep is planned, because that code is imported even if
        the file is edited while the sweep runs.
    """

    cell: Cell
    seed: int
    config: RunConfig
    code: Mapping[str, str]

    @property
    def name(self) -> str:
        """Cell and seed, e.g. ``cnn-fog-5/seed-0``; also its folder below the sweep's."""
        return f"{self.cell.name}/seed-{self.seed}"


@dataclasses.dataclass(frozen=True)
class SweepPlan:
    """The experiment, scale, folder and runs of a sweep.

    Attributes
    ----------
    overrides : mapping
        Run-config keys that the user changed in every run.
    """

    experiment: Experiment
    scale: Scale
    overrides: Mapping[str, Scalar]
    folder: Path
    runs: tuple[PlannedRun, ...]

    def planned(self, cell: Cell, seed: int) -> PlannedRun:
        """Return the run of a cell and a seed, even if it is not in ``runs``."""
        config = _configuration(self.scale, cell, seed, self.overrides, self.folder)
        return PlannedRun(cell, seed, config, user_code(config))

    def identity(self) -> dict[str, object]:
        """Return what must be the same to continue a sweep; seeds and cells may differ."""
        return {
            "experiment": self.experiment.name,
            "scale": self.scale.name,
            "overrides": {k: v for k, v in sorted(self.overrides.items()) if k not in PLACES},
        }


def plan_sweep(
    experiment: Experiment,
    scale: Scale,
    seeds: Sequence[int],
    only: str,
    overrides: Mapping[str, Scalar],
    folder: Path,
) -> SweepPlan:
    """Plan each cell for each seed, seed by seed, so that an unfinished sweep is balanced.

    Raises
    ------
    UserError
        If ``only`` matches no cell, or a configuration is invalid.
    """
    plan = SweepPlan(experiment, scale, overrides, folder, runs=())
    runs = [plan.planned(cell, seed) for seed in seeds for cell in experiment.select(only)]
    return dataclasses.replace(plan, runs=tuple(runs))


def _configuration(
    scale: Scale, cell: Cell, seed: int, overrides: Mapping[str, Scalar], folder: Path
) -> RunConfig:
    reserved = sorted({*_OWN, *cell.settings} & set(overrides))
    if reserved:
        raise UserError(
            f"{reserved[0]}={overrides[reserved[0]]!r}: the sweep sets {reserved[0]} itself; "
            "use --seeds, --only or --out"
        )
    merged: dict[str, Scalar] = {
        **scale.settings_of(cell, str(overrides.get("dataset", RENDERED))),
        "artifacts": CHECKPOINT,
        **overrides,
        **cell.settings,
        "seed": seed,
    }
    if scale.seeded_data and merged.get("dataset", RENDERED) == RENDERED:
        merged.setdefault("data-seed", seed)
    # Overrides apply to fog and centralized cells, except where the architecture fixes a value.
    merged |= settings_of(str(merged.get("architecture", "")))
    merged["results-dir"] = str(folder / STAGING / cell.name)
    merged["run-name"] = f"seed-{seed}"
    return configure_settings(merged)


def own_settings(config: Mapping[str, Scalar]) -> dict[str, Scalar]:
    """Return the settings of a run that differ from the defaults, in their order, and its data set.

    What differs by run or says only where files are is left out.
    """
    return {
        key: config[key]
        for key, usual in default_run_config().items()
        if key in config
        and key not in {*_OWN, *PLACES, *_RECORDED}
        and (key == DATASET or config[key] != usual)
    }


def common_settings(runs: Sequence[PlannedRun]) -> dict[str, Scalar]:
    """Return the ``own_settings`` that all runs share."""
    cells = {run.cell.name: own_settings(run.config.to_run_config()) for run in runs}
    first, *others = cells.values()
    return {k: v for k, v in first.items() if all(k in one and one[k] == v for one in others)}


def seeds_as_typed(seeds: Sequence[int]) -> str:
    """Return seeds as ``parse_seeds`` reads them: ``0-9``, ``3`` or ``0,4,7``."""
    first, last = min(seeds), max(seeds)
    consecutive = sorted(seeds) == list(range(first, last + 1))
    return f"{first}-{last}" if consecutive and last > first else ",".join(map(str, seeds))


def parse_seeds(text: str) -> tuple[int, ...]:
    """Parse seeds such as ``0-9``, ``3`` or ``0-4,7``.

    Raises
    ------
    UserError
        If the text has another form.
    """
    seeds: list[int] = []
    try:
        for part in text.split(","):
            first, dash, last = part.strip().partition("-")
            chosen = range(int(first), int(last if dash else first) + 1)
            if not chosen:
                raise ValueError
            seeds += chosen
    except ValueError as error:
        raise UserError(f"--seeds {text!r}: write 0-9, 3 or 0-4,7") from error
    return tuple(dict.fromkeys(seeds))
