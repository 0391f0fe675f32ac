"""The records of a comparison as pandas tables; which cell a run is stands in its configuration."""

import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pandas as pd

from fog_flower.attack_settings import malicious_nodes
from fog_flower.config import OFF, RunConfig
from fog_flower.errors import UserError
from fog_flower.records.recorder import FINISHED
from simulations.experiments.comparison import FEDAVG, GATE, HONEST, gate_name
from simulations.run_files import read_run

CELL = ["fog_nodes", "malicious", "attack", "strategy"]


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


def load_comparison(folder: Path) -> ComparisonRecords:
    """Read every recorded run below a folder.

    Raises
    ------
    UserError
        If there is none.
    """
    rows, facts, rounds, updates = [], [], [], []
    for path in sorted(folder.glob("*/**/seed-*/run.json")):
        if ".running" in path.parts or ".set-aside" in path.parts:
            continue
        record = read_run(path.parent)
        config = RunConfig.from_run_config(record["config"])
        cell = describe_cell(config)
        facts.append(record)
        final = record["final"]
        finished = record["status"] == FINISHED
        row = {
            **cell,
            "seed": config.seed,
            "status": record["status"],
            "cause": record.get("cause") or "",
            "diverged": bool(final.get("diverged", False)),
            "test_accuracy": float(final["test_accuracy"]) if finished else float("nan"),
            "backdoor_success": final.get("backdoor_success"),
            "seconds": record["seconds"],
        }
        if finished:
            decided = pd.read_csv(path.parent / "updates.csv")
            bad = malicious_nodes(config) if cell["strategy"] != HONEST else frozenset()
            decided["is_malicious"] = decided["fog_node"].isin(bad)
            for kind, part in (
                ("malicious", decided[decided["is_malicious"]]),
                ("honest", decided[~decided["is_malicious"]]),
            ):
                row[f"{kind}_updates"] = len(part)
                row[f"{kind}_rejected"] = int((~part["accepted"]).sum())
            updates.append(decided.assign(**cell, seed=config.seed))
            table = pd.read_csv(path.parent / "rounds.csv")
            rounds.append(table.assign(**cell, seed=config.seed))
        rows.append(row)
    if not rows:
        raise UserError(
            f"there are no records in {folder}: make them with `fog-flower compare --out {folder}`"
        )
    joined = [pd.concat(t, ignore_index=True) if t else pd.DataFrame() for t in (rounds, updates)]
    return ComparisonRecords(pd.DataFrame(rows), joined[0], joined[1], facts)


def gate_first(names: Iterable[str]) -> list[str]:
    """Sort names of strategies, those behind the gate in front."""
    return sorted(names, key=lambda name: (not name.startswith(GATE), name))


def describe_cell(config: RunConfig) -> dict[str, Any]:
    """Say in the command's own words which cell of the grid a configuration is."""
    malicious = len(malicious_nodes(config))
    gated = config.validation != OFF
    if config.attack == "crash" and not gated and config.strategy == FEDAVG:
        strategy, attack = HONEST, HONEST
    else:
        strategy, attack = config.strategy, config.attack
        if gated:
            strategy = gate_name(config.validation, strategy)
        if config.attack_strength:
            attack += f"={config.attack_strength:g}"
    return {
        "fog_nodes": config.fog_nodes,
        "malicious": malicious,
        "attack": attack,
        "strategy": strategy,
    }
