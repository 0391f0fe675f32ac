"""The records of a sweep as pandas tables. Reports use nothing else."""

import dataclasses
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fog_flower.errors import UserError
from fog_flower.records.columns import ROUND_COLUMNS, UPDATE_COLUMNS
from fog_flower.records.reading import read_run
from fog_flower.records.recorder import FINISHED
from simulations.experiments import Cell, Experiment, Scale
from simulations.reports.collapses import Collapse, find_collapses
from simulations.reports.data_seen import data_seen
from simulations.sweep.sweep_folder import read_plan

TRAINING, LOCAL = "train_accuracy", "local_validation_accuracy"
TRAINING_LOSS, LOCAL_LOSS = "train_loss", "local_validation_loss"
CLOUD, TEST = "cloud_validation_accuracy", "test_accuracy"
METRICS = {
    TRAINING: "training",
    LOCAL: "validation, local models (the paper's)",
    CLOUD: "validation, cloud model",
    TEST: "test, cloud model",
}


FINAL = (*METRICS, TRAINING_LOSS, LOCAL_LOSS)


@dataclasses.dataclass(frozen=True)
class SweepRecords:
    """Everything that the runs of a sweep recorded.

    Attributes
    ----------
    runs : DataFrame
        One row per run: cell, seed, status, diverged, usable (finished and not diverged),
        collapsed, cause, seconds, the final ``METRICS``, and the final losses of training and of
        local models.
    rounds, updates : DataFrame
        The tables of all finished runs, with ``cell`` and ``seed``.
    facts : list of dict
        The contents of every ``run.json``, in the order of ``runs``.
    overrides : dict
        Run-config keys that the sweep changed in every run.
    collapses : list of Collapse
    """

    experiment: Experiment
    scale: Scale
    folder: Path
    runs: pd.DataFrame
    rounds: pd.DataFrame
    updates: pd.DataFrame
    facts: list[dict[str, Any]]
    overrides: dict[str, Any]
    collapses: list[Collapse] = dataclasses.field(default_factory=list)

    def final(self, cell: Cell | str, metric: str) -> "pd.Series[float]":
        """Return a metric's final value by seed; failed, diverged, collapsed runs are left out."""
        name = cell if isinstance(cell, str) else cell.name
        kept = self.runs["usable"] & ~self.runs["collapsed"]
        chosen = self.runs[(self.runs["cell"] == name) & kept]
        return chosen.set_index("seed")[metric].dropna().sort_index()

    @property
    def collapsed(self) -> Counter[str]:
        """Number of collapsed runs of each cell; 0 for a cell without any."""
        return Counter(run.cell for run in self.collapses)

    def fact(self, cell: str, seed: int) -> dict[str, Any]:
        """Return the ``run.json`` of a recorded run."""
        rows = zip(self.runs["cell"], self.runs["seed"], self.facts, strict=True)
        return next(fact for name, number, fact in rows if (name, number) == (cell, seed))

    @property
    def finished(self) -> dict[str, pd.DataFrame]:
        """The rows of finished runs by cell, in the experiment's order."""
        done = self.runs[self.runs["status"] == FINISHED]
        by_cell = {cell.name: done[done["cell"] == cell.name] for cell in self.experiment.cells}
        return {name: rows for name, rows in by_cell.items() if len(rows)}

    def rounds_of(self, cell: str, seed: int) -> pd.DataFrame:
        """Return the rounds of a finished run."""
        return self.rounds[(self.rounds["cell"] == cell) & (self.rounds["seed"] == seed)]

    def training_seconds(self, cell: str, seed: int) -> float:
        """Return the seconds from sending W to having all updates, summed over a run's rounds."""
        rounds = self.rounds_of(cell, seed)
        return float(rounds.loc[rounds["round"] > 0, "train_seconds"].sum())

    @property
    def cells(self) -> list[Cell]:
        """The cells that have any record, in the experiment's order."""
        recorded = set(self.runs["cell"])
        return [cell for cell in self.experiment.cells if cell.name in recorded]

    @property
    def places(self) -> list[Path]:
        """The folders of all runs, in the order of ``runs``."""
        rows = zip(self.runs["cell"], self.runs["seed"], strict=True)
        return [self.folder / cell / f"seed-{seed}" for cell, seed in rows]

    @property
    def seeds(self) -> list[int]:
        """All seeds that have any record."""
        return sorted(int(seed) for seed in self.runs["seed"].unique())

    @property
    def data(self) -> str:
        """The data of the runs, in words; rendered digits are not SVHN."""
        text, differs = data_seen(self.facts)
        return text + (", other images for every seed" if differs else "")


def load_records(experiment: Experiment, scale: Scale, folder: Path) -> SweepRecords:
    """Read every recorded run below a sweep's folder.

    Raises
    ------
    UserError
        If there are no runs, or if the folder is that of another experiment or scale.
    """
    overrides = _overrides(experiment, scale, folder)
    rows: list[dict[str, Any]] = []
    facts: list[dict[str, Any]] = []
    rounds: list[pd.DataFrame] = []
    updates: list[pd.DataFrame] = []
    for cell in experiment.cells:
        for path in sorted((folder / cell.name).glob("seed-*/run.json"), key=_seed):
            record = read_run(path.parent)
            facts.append(record)
            finished, final = record["status"] == FINISHED, record["final"]
            diverged = bool(final.get("diverged", False))
            rows.append(
                {
                    "cell": cell.name,
                    "seed": _seed(path),
                    "status": record["status"],
                    "diverged": diverged,
                    "usable": finished and not diverged,
                    "cause": record.get("cause") or "",
                    "seconds": record["seconds"],
                    **{metric: final.get(metric) for metric in FINAL},
                }
            )
            if finished:
                for tables, name in ((rounds, "rounds.csv"), (updates, "updates.csv")):
                    table = pd.read_csv(path.parent / name)
                    tables.append(table.assign(cell=cell.name, seed=_seed(path)))
    if not rows:
        raise UserError(
            f"there are no records of {experiment.name} in {folder}: make them with "
            f"`fog-flower sweep {experiment.name} --scale {scale.name}`, or name the folder "
            "with --out"
        )
    runs = pd.DataFrame(rows).astype(dict.fromkeys(FINAL, float))
    of_rounds = _joined(rounds, ROUND_COLUMNS)
    collapses = find_collapses(runs, of_rounds, facts)
    fallen = {(run.cell, run.seed) for run in collapses}
    runs["collapsed"] = [
        key in fallen for key in runs[["cell", "seed"]].itertuples(index=False, name=None)
    ]
    of_updates = _joined(updates, UPDATE_COLUMNS)
    return SweepRecords(
        experiment, scale, folder, runs, of_rounds, of_updates, facts, overrides, collapses
    )


def _overrides(experiment: Experiment, scale: Scale, folder: Path) -> dict[str, Any]:
    made = read_plan(folder)
    if not made:
        return {}
    if (made["experiment"], made["scale"]) != (experiment.name, scale.name):
        raise UserError(
            f"{folder} holds {made['experiment']} at scale {made['scale']}, not {experiment.name} "
            f"at scale {scale.name}: name the right --scale, or another folder"
        )
    overrides: dict[str, Any] = made["overrides"]
    return overrides


def _seed(path: Path) -> int:
    return int(path.parent.name.removeprefix("seed-"))


def _joined(tables: list[pd.DataFrame], columns: Sequence[str]) -> pd.DataFrame:
    """Return all rows; without a finished run there are none, but their columns."""
    empty = pd.DataFrame(columns=[*columns, "cell", "seed"])
    return pd.concat(tables, ignore_index=True) if tables else empty
