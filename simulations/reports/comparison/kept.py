"""A comparison's records as three tables: small enough to commit, enough to report on again."""

import gzip
import io
import json
from pathlib import Path
from typing import Any

import pandas as pd

from fog_flower.records.files import write_text
from simulations.experiments.comparison import GATE
from simulations.reports.writing import write_rows_to

RUNS, ROUNDS, UPDATES, FACTS = "comparison.csv", "rounds.csv.gz", "updates.csv.gz", "facts.json"
CELL = ["fog_nodes", "malicious", "attack", "strategy"]
ID = [*CELL, "seed"]
# What differs between the runs of one comparison, or only says where they lie.
_VARIED = {"seed", "data-seed", "results-dir", "run-name", "fog-nodes", "malicious-nodes"}
_VARIED |= {"attack", "attack-strength", "attack-rounds", "attack-probability"}
_VARIED |= {"strategy", "strategy-args", "validation", "validation-tolerance"}
_ROUNDS = ["round", "train_accuracy", "cloud_validation_loss", "cloud_validation_accuracy"]
_ROUNDS += ["test_loss", "test_accuracy", "train_seconds", "validation_seconds"]
_ROUNDS += ["evaluation_seconds", "round_seconds"]
_UPDATES = ["round", "fog_node", "is_malicious", "accepted", "reason", "trust"]
_UPDATES += ["loss_without", "loss_with", "gate_images"]
_DIGITS = "%.5g"
Tables = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, list[dict[str, Any]]]


def write_kept(
    folder: Path,
    runs: pd.DataFrame,
    rounds: pd.DataFrame,
    updates: pd.DataFrame,
    facts: list[dict[str, Any]],
) -> Path:
    """Write runs in full, rounds and the gates' decisions with five digits, facts once each."""
    write_rows_to(folder / RUNS, runs)
    gated = updates
    if len(updates):
        gated = updates[updates["strategy"].str.startswith(GATE)]
    _write(folder / ROUNDS, rounds, _ROUNDS)
    _write(folder / UPDATES, gated, _UPDATES)
    write_text(folder / FACTS, json.dumps(_distinct(facts), indent=1, sort_keys=True) + "\n")
    return folder / RUNS


def read_kept(folder: Path) -> Tables | None:
    """Return what ``write_kept`` wrote, or None if it is not there."""
    paths = [folder / name for name in (RUNS, ROUNDS, UPDATES, FACTS)]
    if not all(path.exists() for path in paths):
        return None
    # "nan" is an attack here, and only an empty field is none.
    runs, rounds, updates = (
        pd.read_csv(path, keep_default_na=False, na_values=[""]) for path in paths[:3]
    )
    runs["cause"] = runs["cause"].fillna("")
    return runs, rounds, updates, json.loads(paths[3].read_text())


def _write(path: Path, table: pd.DataFrame, columns: list[str]) -> None:
    chosen = [name for name in [*ID, *columns] if name in table]
    text = io.StringIO()
    table[chosen].to_csv(text, index=False, float_format=_DIGITS, lineterminator="\n")
    # Without the time in its header, so that the same records are the same file.
    path.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))


def _distinct(facts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return what a report says of its runs, each combination once."""
    found = {}
    for fact in facts:
        short = {
            **{key: fact.get(key) for key in ("code_identity", "git_commit", "versions")},
            "hardware": fact.get("hardware"),
            "config": {k: v for k, v in fact["config"].items() if k not in _VARIED},
        }
        if "data" in fact:
            short["data"] = {"name": fact["data"]["name"]}
        found[json.dumps(short, sort_keys=True)] = short
    return list(found.values())
