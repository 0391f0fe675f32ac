"""Comparison of each strategy with its reference, cell by cell."""

from typing import Any

import pandas as pd

from simulations.experiments.attack_grid import is_gated, trains_cloud
from simulations.reports import formats
from simulations.reports.attack_grid.grid_records import (
    ComparisonRecords,
    by_seed,
    gate_first,
    is_reference,
    to_reach,
)
from simulations.reports.attack_grid.kept_tables import CELL, ID
from simulations.reports.statistics import FEWEST, compare

MARGIN = 0.01  # largest loss of accuracy that still counts as equally good
GAIN = 0.02  # goal if the cloud trains and at least half of the fog nodes are honest


def measured_cells(records: ComparisonRecords) -> pd.DataFrame:
    """Return a row for each federation with malicious nodes, attack and strategy.

    ``difference`` is the mean over seeds of the accuracy minus that of the reference
    (``to_reach``), paired by seed. Its 95% t interval is ``low`` to ``high``, and ``worst`` is the
    difference of the worst seed.
    """
    runs, rows = records.finished, []
    for key, part in runs[runs["malicious"] > 0].groupby(["fog_nodes", "malicious"]):
        nodes, malicious = key
        compared = part[~is_reference(part)]
        to_beat = {name: to_reach(part, name) for name in compared["strategy"].unique()}
        for (name, attack), cell in compared.groupby(["strategy", "attack"], sort=False):
            reach, found = to_beat[name], by_seed(cell, str(name))
            differences = (found - reach).dropna()
            if not len(differences):
                continue
            result = compare("", "", found, reach, MARGIN)
            rows.append(
                {
                    "fog_nodes": nodes,
                    "malicious": malicious,
                    "attack": attack,
                    "strategy": name,
                    "accuracy": float(found.mean()),
                    "reach": float(reach.mean()),
                    "difference": result.difference,
                    "low": result.low,
                    "high": result.high,
                    "seeds": result.n,
                    "worst": float(differences.min()),
                    "cloud": trains_cloud(str(name)),
                }
            )
    return pd.DataFrame(rows)


def goal_table(cells: pd.DataFrame, records: ComparisonRecords) -> pd.DataFrame:
    """Return how many of ``measured_cells`` reach each goal, a row for each strategy and goal.

    "Shown" counts cells whose whole interval is above the goal, of those with enough seeds for one.
    Runs with the same accuracy in every round count as one trajectory. "The better one" is the
    better of the cloud alone and the honest nodes alone.
    """
    if not len(cells):
        return pd.DataFrame()
    lines, trajectories = [], _trajectories(records)
    for name in gate_first(cells["strategy"].unique()):
        part = cells[cells["strategy"] == name]
        half = part[2 * (part["fog_nodes"] - part["malicious"]) >= part["fog_nodes"]]
        goals = [("all", part, -MARGIN)]
        if part["cloud"].all() and len(half):
            goals.append(("at least half honest", half, GAIN))
        for words, those, goal in goals:
            repeated = those[those["seeds"] >= FEWEST]
            lowest = those.sort_values("difference", kind="stable").iloc[0]
            lines.append(
                {
                    "strategy": name,
                    "cells": words,
                    "goal": f"{formats.points(goal)} to {_reached(bool(lowest['cloud']))}",
                    "reached": f"{int((those['difference'] >= goal).sum())} of {len(those)}",
                    "shown": f"{int((repeated['low'] >= goal).sum())} of {len(repeated)}"
                    if len(repeated)
                    else formats.NONE,
                    "mean": formats.points(float(those["difference"].mean())),
                    "lowest cell": f"{formats.points(lowest['difference'])} "
                    f"({_federation(lowest)}, {lowest['attack']})",
                    "worst run": formats.points(float(those["worst"].min())),
                    "trajectories": _distinct(trajectories, name, those),
                }
            )
    return pd.DataFrame(lines)


def short_table(cells: pd.DataFrame) -> pd.DataFrame:
    """Return the cells of gates that are below their goal, from the lowest one on."""
    cells = cells[cells["strategy"].map(is_gated)] if len(cells) else cells
    if not len(cells):
        return pd.DataFrame()
    half = 2 * (cells["fog_nodes"] - cells["malicious"]) >= cells["fog_nodes"]
    goals = pd.Series(-MARGIN, cells.index).mask(half & cells["cloud"], GAIN)
    short = cells.assign(goal=goals)[cells["difference"] < goals]
    short = short.sort_values("difference", kind="stable")
    return pd.DataFrame(
        [
            {
                "federation": _federation(row),
                "attack": row["attack"],
                "gate": row["strategy"],
                "test accuracy": formats.percent(row["accuracy"]),
                "measured by": formats.percent(row["reach"]),
                "difference": f"{formats.points(row['difference'])} "
                f"({formats.interval(row['low'], row['high'])}, n={row['seeds']})",
                "worst run": formats.points(row["worst"]),
                "goal": formats.points(row["goal"]),
            }
            for _, row in short.iterrows()
        ]
    )


def _trajectories(records: ComparisonRecords) -> "pd.Series[int]":
    """Return a number for each run that is equal for runs with equal accuracies in all rounds."""
    rounds = records.rounds.sort_values("round", kind="stable")
    paths = rounds.groupby(ID, sort=False)["test_accuracy"].apply(lambda a: tuple(a.round(4)))
    # Only runs of the same federation and seed can share a trajectory.
    keyed = pd.DataFrame({"path": paths}).reset_index()
    codes = keyed.groupby(["fog_nodes", "malicious", "seed", "path"], sort=False).ngroup()
    return pd.Series(codes.to_numpy(), index=pd.MultiIndex.from_frame(keyed[ID]))


def _distinct(trajectories: "pd.Series[int]", name: object, cells: pd.DataFrame) -> str:
    index = trajectories.index
    wanted = set(cells[CELL].itertuples(index=False, name=None))
    mine = [key[:-1] in wanted and key[3] == name for key in index]
    chosen = trajectories[mine]
    return f"{chosen.nunique()} of {len(chosen)} runs"


def _federation(row: "pd.Series[Any]") -> str:
    return f"{row['malicious']} of {row['fog_nodes']}"


def _reached(cloud: bool) -> str:
    return "the better one alone" if cloud else "honest alone"
