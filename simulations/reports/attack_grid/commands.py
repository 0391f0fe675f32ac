"""The commands that make the runs of a comparison, from its records."""

import shlex
from pathlib import Path

import pandas as pd

from fog_flower.artifacts import CHECKPOINT
from fog_flower.renamed import completed
from simulations.experiments.attack_grid import COMPARE_SCALE
from simulations.overrides import configure_settings
from simulations.reports.attack_grid.grid_records import (
    ComparisonRecords,
    gate_first,
    is_reference,
)
from simulations.reports.attack_grid.kept_tables import VARIED
from simulations.sweep.sweep_plan import seeds_as_typed

ANY_ATTACK = "crash"  # where there are only references, which do not depend on the attack
TYPED = ("cloud-examples=", "refit-epochs=", "gate-args=")  # arguments that are typed as settings


def compare_commands(records: ComparisonRecords, folder: Path) -> list[str]:
    """Return the commands that make the runs, with their settings, or runs that are missing.

    There is one command for all federations in which the same strategies met the same attacks.
    """
    federations: dict[tuple[str, str, str], list[str]] = {}
    for key, part in records.runs.groupby(["fog_nodes", "malicious"], sort=False):
        nodes, malicious = key
        for chosen in _grids(part):
            federations.setdefault(chosen, []).append(f"{nodes}:{malicious}")
    settings = _settings(records)
    return [
        shlex.join(
            [
                *("fog-flower", "compare", "--strategies", strategies, "--attacks", attacks),
                *("--malicious", ",".join(found), "--seeds", seeds, "--out", str(folder)),
                *settings,
            ]
        )
        for (strategies, attacks, seeds), found in federations.items()
    ]


def _grids(federation: pd.DataFrame) -> list[tuple[str, str, str]]:
    """Return (strategies, attacks, seeds) that together are all runs of a federation."""
    references = is_reference(federation)
    alone = gate_first(federation[references]["strategy"].unique())
    attacks: dict[tuple[str, ...], list[str]] = {}
    for attack, met in federation[~references].groupby("attack", sort=False):
        attacks.setdefault(tuple(gate_first(met["strategy"].unique())), []).append(str(attack))
    seeds = seeds_as_typed(sorted({int(seed) for seed in federation["seed"]}))
    attacks = attacks or {(): [ANY_ATTACK]}
    return [
        (",".join([*names, *(alone if first else [])]), ",".join(those), seeds)
        for first, (names, those) in zip(
            [True, *[False] * len(attacks)], attacks.items(), strict=False
        )
    ]


def _settings(records: ComparisonRecords) -> list[str]:
    """Return the KEY=VALUE that the runs had and a comparison without any has not."""
    usual = configure_settings(
        {**COMPARE_SCALE.settings["any"], "artifacts": CHECKPOINT}
    ).to_run_config()
    config = completed(records.facts[0]["config"])
    changed = {
        key: value
        for key, value in config.items()
        if key not in VARIED and key in usual and value != usual[key]
    }
    arguments = {
        part
        for told in records.runs["arguments"]
        for part in str(told).split("; ")
        if part.startswith(TYPED)
    }
    return [f"{key}={_typed(value)}" for key, value in changed.items()] + sorted(arguments)


def _typed(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
