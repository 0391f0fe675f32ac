"""The records of a comparison as pandas tables."""

import dataclasses
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fog_flower.attack_schedule import parse_malicious_nodes
from fog_flower.config import NONE
from fog_flower.errors import UserError
from fog_flower.records.reading import read_run
from fog_flower.records.recorder import FINISHED
from simulations.experiments.attack_grid import (
    ARGUMENTS,
    CLOUD_ALONE,
    HONEST,
    REFERENCES,
    REFIT,
    is_gated,
    trains_cloud,
)
from simulations.reports.attack_grid.kept_tables import ID, read_kept
from simulations.reports.decisions import lost

WORST_CLASS = "test_worst_class_accuracy"


@dataclasses.dataclass(frozen=True)
class ComparisonRecords:
    """Everything that the runs of a comparison recorded.

    Attributes
    ----------
    runs : DataFrame
        One row per run: ``CELL``, seed, status, cause, diverged, test accuracy, backdoor success,
        seconds, arguments that the strategy's name does not contain, and the numbers of updates
        that arrived and of refused ones, of honest and malicious nodes. A run with a refit is also
        one of the same strategy without it.
    rounds, updates : DataFrame
        The tables of all finished runs, with ``CELL`` and seed.
    facts : list of dict
        The contents of every ``run.json``.
    places : sequence of Path
        The folders of runs, without those of runs that are only in kept tables.
    kept : int
        Number of rows in ``runs`` that are only in kept tables.
    """

    runs: pd.DataFrame
    rounds: pd.DataFrame
    updates: pd.DataFrame
    facts: list[dict[str, Any]]
    places: Sequence[Path] = ()
    kept: int = 0

    @property
    def finished(self) -> pd.DataFrame:
        """The rows of finished runs in ``runs``."""
        return self.runs[self.runs["status"] == FINISHED]


def load_comparison(folder: Path) -> ComparisonRecords:
    """Read every recorded run below a folder, and the runs that are only in its kept tables.

    Raises
    ------
    UserError
        If there are no runs.
    """
    rows, facts, rounds, updates = [], [], [], []
    found = sorted(folder.glob("*/**/seed-*/run.json"))
    runs = [(path.parent, read_run(path.parent)) for path in found if _is_kept(path, folder)]
    named = {_id_of(_cell_of(place, record)) for place, record in runs}
    for place, record in runs:
        facts.append(record)
        cell, finished = _cell_of(place, record), record["status"] == FINISHED
        if finished:
            merged, decided = (pd.read_csv(place / name) for name in ("rounds.csv", "updates.csv"))
            decided["is_malicious"] = decided["fog_node"].isin(_malicious(record["config"]))
            if cell["strategy"] in REFERENCES:  # malicious nodes do not take part there
                decided = decided[~decided["is_malicious"]]
        for strategy, final in _models(str(cell["strategy"]), record["final"]):
            told = {**cell, "strategy": strategy}
            if strategy != cell["strategy"] and _id_of(told) in named:
                continue  # there is a run of its own
            rows.append({**told, **_figures(record, strategy, final)})
            if not finished:
                continue
            for kind, part in (
                ("malicious", decided[decided["is_malicious"]]),
                ("honest", decided[~decided["is_malicious"]]),
            ):
                judged = part[~lost(part)]
                rows[-1][f"{kind}_updates"] = len(judged)
                rows[-1][f"{kind}_rejected"] = int((~judged["accepted"]).sum())
            updates.append(decided.assign(**told))
            rounds.append(merged.assign(**told))
    tables = [pd.concat(t, ignore_index=True) if t else pd.DataFrame() for t in (rounds, updates)]
    places = [place for place, _ in runs]
    records = ComparisonRecords(pd.DataFrame(rows), tables[0], tables[1], facts, places)
    records = _with_kept(records, folder)
    if not len(records.runs):
        raise UserError(
            f"there are no records in {folder}: make them with `fog-flower compare --out {folder}`"
        )
    return records


def _is_kept(path: Path, folder: Path) -> bool:
    """Check that a record is not of a run in progress, stopped or set aside."""
    return not any(part.startswith(".") for part in path.relative_to(folder).parts)


def _cell_of(place: Path, record: Mapping[str, Any]) -> dict[str, Any]:
    if "cell" not in record:
        raise UserError(
            f"{place}: its run.json does not say which cell of a comparison it is; move it away, "
            "and `fog-flower compare` makes it again"
        )
    return {**record["cell"], "seed": record["config"]["seed"]}


def _id_of(cell: Mapping[str, Any]) -> tuple[Any, ...]:
    return tuple(cell[key] for key in ID)


def _models(strategy: str, final: Mapping[str, Any]) -> Iterator[tuple[str, Mapping[str, Any]]]:
    """Yield the strategy of a run with its final figures, and the same before a refit.

    A refit comes after the last round, so that the run is also one of the strategy without it.
    """
    yield strategy, final
    if before := final.get("before_refit"):
        diverged = before["test_loss"] is None
        yield strategy.removesuffix(REFIT), {**before, "diverged": diverged}


def _figures(record: Mapping[str, Any], strategy: str, final: Mapping[str, Any]) -> dict[str, Any]:
    finished = record["status"] == FINISHED
    return {
        "status": record["status"],
        "cause": record.get("cause") or "",
        "diverged": bool(final.get("diverged", False)),
        "test_accuracy": float(final["test_accuracy"]) if finished else float("nan"),
        "backdoor_success": final.get("backdoor_success"),
        WORST_CLASS: final.get(WORST_CLASS),
        "seconds": record["seconds"],
        "arguments": _arguments(record["config"], strategy),
    }


def _arguments(config: Mapping[str, Any], strategy: str) -> str:
    """Return the arguments that a strategy got without being typed, e.g. Krum's number."""
    given = {key: str(config.get(key) or "") for key in ARGUMENTS}
    if not strategy.endswith(REFIT):
        given.pop("refit-epochs")
    return "; ".join(f"{k}={text}" for k, text in given.items() if text and text not in strategy)


def _malicious(config: Mapping[str, Any]) -> frozenset[int]:
    return parse_malicious_nodes(
        str(config["malicious-nodes"]), int(config["fog-nodes"]), attacked=config["attack"] != NONE
    )


def _with_kept(records: ComparisonRecords, folder: Path) -> ComparisonRecords:
    """Add the runs that are in the kept tables but have no folder."""
    kept = read_kept(folder)
    if kept is None:
        return records
    here = set(records.runs[ID].itertuples(index=False, name=None)) if len(records.runs) else set()

    def join(new: pd.DataFrame, old: pd.DataFrame) -> pd.DataFrame:
        missing = [key not in here for key in old[ID].itertuples(index=False, name=None)]
        parts = [part for part in (old[missing], new) if len(part)]
        return pd.concat(parts, ignore_index=True) if parts else new

    runs, rounds, updates, facts = kept
    every = join(records.runs, runs)
    return ComparisonRecords(
        every,
        join(records.rounds, rounds),
        join(records.updates, updates),
        [*facts, *records.facts],
        records.places,
        len(every) - len(records.runs),
    )


def gate_first(names: Iterable[str]) -> list[str]:
    """Sort names of strategies, with those behind a gate first."""
    return sorted(names, key=lambda name: (not is_gated(name), name))


def is_reference(runs: pd.DataFrame) -> "pd.Series[bool]":
    """Return a mask of the rows of reference runs, which do not depend on the attack."""
    return runs["strategy"].isin(REFERENCES)


def by_seed(runs: pd.DataFrame, strategy: str) -> "pd.Series[float]":
    """Return a strategy's test accuracies by seed; ``runs`` must be those of one cell."""
    chosen = (runs["strategy"] == strategy).to_numpy()
    seeds = pd.Index(runs["seed"].to_numpy()[chosen], name="seed")
    values = runs["test_accuracy"].to_numpy()[chosen]
    return pd.Series(values, seeds, name="test_accuracy").sort_index()


def cloud_alone(strategy: str) -> str:
    """Return the reference of the cloud alone for a strategy: with a refit if that has one."""
    return CLOUD_ALONE + (REFIT if strategy.endswith(REFIT) else "")


def to_reach(federation: pd.DataFrame, strategy: str) -> "pd.Series[float]":
    """Return the reference accuracies for a strategy, by seed: those of the honest nodes alone.

    If the cloud trains, it is the cloud alone or the honest nodes alone, whichever is better in the
    mean over seeds. If it refits, the cloud alone refits too.
    """
    honest, cloud = by_seed(federation, HONEST), by_seed(federation, cloud_alone(strategy))
    if trains_cloud(strategy) and len(cloud) and not honest.mean() > cloud.mean():
        return cloud
    return honest
