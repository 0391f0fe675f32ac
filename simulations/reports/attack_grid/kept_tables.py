"""A comparison's records as tables that are small enough to commit, and suffice for its report."""

import dataclasses
import gzip
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from fog_flower.records.files import write_text
from fog_flower.records.recorder import FINISHED
from fog_flower.renamed import completed
from fog_flower.user_code import USER_CODE
from simulations.experiments.attack_grid import is_gated
from simulations.reports.text_tables import write_rows
from simulations.sweep.sweep_folder import check_same_settings
from simulations.sweep.sweep_plan import SweepPlan

RUNS, ROUNDS, UPDATES, FACTS = "comparison.csv", "rounds.csv.gz", "updates.csv.gz", "facts.json"
CELL = ["fog_nodes", "malicious", "attack", "strategy"]
ID = [*CELL, "seed"]
# Keys that differ between the runs of a comparison, or only say where the runs are.
VARIED = {"seed", "data-seed", "results-dir", "run-name", "fog-nodes", "malicious-nodes"}
VARIED |= {"artifacts", "continue-from"}
VARIED |= {"attack", "attack-strength", "attack-rounds", "attack-probability", "trigger"}
VARIED |= {"strategy", "strategy-args", "gate", "gate-args", "cloud-examples", "refit-epochs"}
VARIED |= {"trackers"}
_ROUNDS = ["round", "train_accuracy", "cloud_validation_loss", "cloud_validation_accuracy"]
_ROUNDS += ["test_loss", "test_accuracy", "train_seconds", "validation_seconds"]
_ROUNDS += ["evaluation_seconds", "round_seconds"]
_UPDATES = ["round", "fog_node", "is_malicious", "accepted", "reason", "trust"]
_UPDATES += ["loss_without", "loss_with", "gate_images", "weight"]
_DIGITS = "%.5g"
Tables = tuple[pd.DataFrame, pd.DataFrame, pd.DataFrame, list[dict[str, Any]]]


def write_kept(
    folder: Path,
    runs: pd.DataFrame,
    rounds: pd.DataFrame,
    updates: pd.DataFrame,
    facts: list[dict[str, Any]],
) -> Path:
    """Write the kept tables of a comparison, and return the path of the table of runs.

    Runs are in full precision. Rounds and updates have five significant digits, and updates are
    only those that a gate judged. Of equal facts, one is written.
    """
    given = "arguments" not in runs or (runs["arguments"] != "").any()
    write_rows(folder / RUNS, runs if given else runs.drop(columns="arguments"))
    gated = updates
    if len(updates):
        gated = updates[updates["strategy"].map(is_gated)]
    _write(folder / ROUNDS, rounds, _ROUNDS)
    _write(folder / UPDATES, gated, _UPDATES)
    write_text(folder / FACTS, json.dumps(_distinct(facts), indent=1, sort_keys=True) + "\n")
    return folder / RUNS


def read_kept(folder: Path) -> Tables | None:
    """Return what ``write_kept`` wrote, or None if it is not there."""
    paths = [folder / name for name in (RUNS, ROUNDS, UPDATES, FACTS)]
    if not all(path.exists() for path in paths):
        return None
    # "nan" is the name of an attack, so only an empty field is missing.
    runs, rounds, updates = (
        pd.read_csv(path, keep_default_na=False, na_values=[""]) for path in paths[:3]
    )
    for name in ("cause", "arguments"):  # older tables have no arguments
        runs[name] = runs[name].fillna("") if name in runs else ""
    return runs, rounds, updates, json.loads(paths[3].read_text())


def without_kept(plan: SweepPlan) -> tuple[SweepPlan, int]:
    """Return the plan without runs that the kept tables have as finished, and how many these are.

    A run stays in the plan if it has a folder of its own, or if files of the user's changed.

    Raises
    ------
    UserError
        If the kept runs were made with other settings.
    """
    kept = read_kept(plan.folder)
    if kept is None:
        return plan, 0
    runs, _, _, facts = kept
    finished = runs[runs["status"] == FINISHED][ID]
    there = set(finished.itertuples(index=False, name=None))
    for run in plan.runs[:1]:  # the others differ only in keys of VARIED
        for settings in (completed(fact["config"]) for fact in facts):
            common = {k: v for k, v in settings.items() if k not in VARIED}
            check_same_settings(plan.folder / RUNS, run.config.to_run_config(), common)
    missing = tuple(
        run
        for run in plan.runs
        if (*run.cell.tags.values(), run.seed) not in there
        or (plan.folder / run.name).exists()
        or not _same_code(run.code, facts)
    )
    return dataclasses.replace(plan, runs=missing), len(plan.runs) - len(missing)


def _same_code(ours: Mapping[str, str], facts: Sequence[Mapping[str, Any]]) -> bool:
    """Check whether the kept runs that used these files of the user's used this version of each.

    At least one kept run must have used each file.
    """
    theirs = [fact[USER_CODE] for fact in facts if fact.get(USER_CODE)]
    return all({codes.get(file) for codes in theirs} - {None} == {ours[file]} for file in ours)


def _write(path: Path, table: pd.DataFrame, columns: list[str]) -> None:
    chosen = [name for name in [*ID, *columns] if name in table]
    text = io.StringIO()
    table[chosen].to_csv(text, index=False, float_format=_DIGITS, lineterminator="\n")
    # No time in the gzip header, so that the same records give the same file.
    path.write_bytes(gzip.compress(text.getvalue().encode(), mtime=0))


def _distinct(facts: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the facts that a report needs, without duplicates."""
    found = {}
    for fact in facts:
        short = {
            **{key: fact.get(key) for key in ("code_identity", "git_commit", "versions")},
            "hardware": fact.get("hardware"),
            USER_CODE: fact.get(USER_CODE),
            "config": {k: v for k, v in fact["config"].items() if k not in VARIED},
        }
        if "data" in fact:
            short["data"] = {"name": fact["data"]["name"]}
        found[json.dumps(short, sort_keys=True)] = short
    return list(found.values())
