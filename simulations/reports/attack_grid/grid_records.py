"""The records of a comparison as pandas tables; which cell a run is stands in its configuration."""

import dataclasses
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from fog_flower.attack_schedule import parse_malicious_nodes
from fog_flower.config import NONE
from fog_flower.errors import UserError
from fog_flower.records.reading import read_run
from fog_flower.records.recorder import FINISHED
from simulations.experiments.attack_grid import (
    CLOUD_ALONE,
    HONEST,
    REFERENCES,
    describe_cell,
    is_gated,
    trains_cloud,
)
from simulations.reports.attack_grid.kept_tables import ID, read_kept


@dataclasses.dataclass(frozen=True)
class ComparisonRecords:
    """Everything that a comparison's runs recorded.

    Attributes
    ----------
    runs : DataFrame
        A row a run: ``CELL``, seed, status, diverged, test accuracy, how many updates of honest
        and malicious nodes were refused, of how many.
    rounds, updates : DataFrame
        The tables of all finished runs, with ``CELL`` and seed.
    facts : list of dict
        Every ``run.json``.
    """

    runs: pd.DataFrame
    rounds: pd.DataFrame
    updates: pd.DataFrame
    facts: list[dict[str, Any]]

    @property
    def finished(self) -> pd.DataFrame:
        """The rows of ``runs`` that finished."""
        return self.runs[self.runs["status"] == FINISHED]


def load_comparison(folder: Path) -> ComparisonRecords:
    """Read every recorded run below a folder, and those of which it only keeps the tables.

    Raises
    ------
    UserError
        If there is none.
    """
    rows, facts, rounds, updates = [], [], [], []
    for path in sorted(folder.glob("*/**/seed-*/run.json")):
        if any(part.startswith(".") for part in path.relative_to(folder).parts):
            continue  # in progress, stopped or set aside
        record = read_run(path.parent)
        config = record["config"]
        cell = record.get("cell") or describe_cell(config)
        facts.append(record)
        final = record["final"]
        finished = record["status"] == FINISHED
        row = {
            **cell,
            "seed": config["seed"],
            "status": record["status"],
            "cause": record.get("cause") or "",
            "diverged": bool(final.get("diverged", False)),
            "test_accuracy": float(final["test_accuracy"]) if finished else float("nan"),
            "backdoor_success": final.get("backdoor_success"),
            "seconds": record["seconds"],
        }
        if finished:
            decided = pd.read_csv(path.parent / "updates.csv")
            decided["is_malicious"] = decided["fog_node"].isin(_malicious(config))
            if cell["strategy"] in REFERENCES:  # who would attack is made to be absent there
                decided = decided[~decided["is_malicious"]]
            for kind, part in (
                ("malicious", decided[decided["is_malicious"]]),
                ("honest", decided[~decided["is_malicious"]]),
            ):
                row[f"{kind}_updates"] = len(part)
                row[f"{kind}_rejected"] = int((~part["accepted"]).sum())
            updates.append(decided.assign(**cell, seed=config["seed"]))
            table = pd.read_csv(path.parent / "rounds.csv")
            rounds.append(table.assign(**cell, seed=config["seed"]))
        rows.append(row)
    tables = [pd.concat(t, ignore_index=True) if t else pd.DataFrame() for t in (rounds, updates)]
    records = ComparisonRecords(pd.DataFrame(rows), tables[0], tables[1], facts)
    records = _with_kept(records, folder)
    if not len(records.runs):
        raise UserError(
            f"there are no records in {folder}: make them with `fog-flower compare --out {folder}`"
        )
    return records


def _malicious(config: Mapping[str, Any]) -> frozenset[int]:
    return parse_malicious_nodes(
        str(config["malicious-nodes"]), int(config["fog-nodes"]), attacked=config["attack"] != NONE
    )


def _with_kept(records: ComparisonRecords, folder: Path) -> ComparisonRecords:
    """Add the runs whose folders are not here, but whose rows are."""
    kept = read_kept(folder)
    if kept is None:
        return records
    here = set(records.runs[ID].itertuples(index=False, name=None)) if len(records.runs) else set()

    def join(new: pd.DataFrame, old: pd.DataFrame) -> pd.DataFrame:
        missing = [key not in here for key in old[ID].itertuples(index=False, name=None)]
        parts = [part for part in (old[missing], new) if len(part)]
        return pd.concat(parts, ignore_index=True) if parts else new

    runs, rounds, updates, facts = kept
    return ComparisonRecords(
        join(records.runs, runs),
        join(records.rounds, rounds),
        join(records.updates, updates),
        [*facts, *records.facts],
    )


def gate_first(names: Iterable[str]) -> list[str]:
    """Sort names of strategies, those behind the gate in front."""
    return sorted(names, key=lambda name: (not is_gated(name), name))


def is_reference(runs: pd.DataFrame) -> "pd.Series[bool]":
    """Tell which rows are the same whatever the attack: what there is to reach."""
    return runs["strategy"].isin(REFERENCES)


def by_seed(runs: pd.DataFrame, strategy: str) -> "pd.Series[float]":
    """Return a strategy's test accuracies of one cell, by seed."""
    chosen = runs[runs["strategy"] == strategy]
    return chosen.set_index("seed")["test_accuracy"].sort_index()


def to_reach(federation: pd.DataFrame, strategy: str) -> "pd.Series[float]":
    """Return what a strategy is compared with, by seed: the honest nodes alone.

    With a cloud that trains, it is the better one, in the mean, of these and the cloud alone.
    """
    honest, cloud = by_seed(federation, HONEST), by_seed(federation, CLOUD_ALONE)
    if trains_cloud(strategy) and len(cloud) and not honest.mean() > cloud.mean():
        return cloud
    return honest
