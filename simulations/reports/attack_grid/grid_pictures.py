"""Pictures of a comparison: heat map, accuracy per round and over strength, gate decisions."""

import dataclasses
import math
import textwrap
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.figure import Figure
from matplotlib.ticker import PercentFormatter, ScalarFormatter

from clients.attacks import ATTACKS
from clients.attacks._strength import usual_strength
from simulations.experiments.attack_grid import FEDAVG, HONEST, is_gated
from simulations.reports.attack_grid.grid_records import (
    ComparisonRecords,
    gate_first,
    is_reference,
)
from simulations.reports.data_seen import data_seen
from simulations.reports.looks import line_look
from simulations.reports.panels import lines_of, show_accuracy_per_round
from simulations.reports.save_figure import names_as_they_are, save_figure
from simulations.reports.statistics import summarise_accuracy

DPI = 120
STRAIGHT_LABELS = 4  # most strategies, with the honest nodes alone, for horizontal labels
LETTER = 0.072  # inches, width of a letter in a label
MOST_ACROSS = 4  # panels in a row
ROW = 0.55  # inches, height of a row of a heat map with few rows
MAP_WIDTH = 4.1  # inches, width of a heat map without labels
STRAIGHT_BELOW = 0.85  # inches, height of horizontal labels, and of titles of panels below
LAST_BELOW = 0.4  # the same without panels below
WIDE = 20.0  # strengths further apart than this factor get a logarithmic axis
SLANT = math.radians(30)
RASTER_COLOURS = ListedColormap(["#d9d9d9", "#b2182b", "#2166ac", "#f4a582"])
RASTER_LABELS = (
    "honest, accepted",
    "honest, refused",
    "malicious, refused",
    "malicious, accepted",
)


@names_as_they_are
def draw_heat_maps(records: ComparisonRecords, path: Path) -> Path:
    """Draw test accuracy minus that of the honest nodes alone, attack x strategy.

    Without runs of the honest nodes alone, draw test accuracy. A value of one seed has a star.
    """
    runs = records.finished
    if (runs["strategy"] == HONEST).any():  # there is no difference without malicious nodes
        runs = runs[runs["malicious"] > 0]
    # A federation in which only references were run has nothing to compare.
    groups = [
        (key, part)
        for key, part in runs.groupby(["fog_nodes", "malicious"])
        if not is_reference(part).all()
    ]
    room = _room_for_names(groups)
    attacks = max((part[~is_reference(part)]["attack"].nunique() for _, part in groups), default=1)
    height = min(3.35, 0.6 + ROW * attacks) + room.below
    figure, axes = _panels(len(groups), height=height, **dataclasses.asdict(room))
    starred = False
    for (key, part), panel in zip(groups, axes, strict=False):
        nodes, malicious = key
        honest = part[part["strategy"] == HONEST]["test_accuracy"].mean()
        shown = part[~is_reference(part)]
        reference = 0.0 if np.isnan(honest) else honest
        means = shown.pivot_table(index="attack", columns="strategy", values="test_accuracy")
        means = means[gate_first(means.columns)]
        alone = np.isnan(honest)
        what = (
            "malicious\ntest accuracy, %"
            if alone
            else "malicious: points above (+)\nor below (-) the honest nodes alone"
        )
        seeds = shown.pivot_table(
            index="attack", columns="strategy", values="seed", aggfunc="nunique"
        )
        values = (100 * (means - reference)).round(1) + 0.0  # turns -0.0 into 0.0
        written = values.map(lambda value, sign="" if alone else "+": f"{value:{sign}.1f}")
        single = seeds.reindex_like(means) == 1
        starred = starred or bool(single.to_numpy().any())
        sns.heatmap(
            values,
            annot=written + np.where(single, "*", ""),
            fmt="",
            cmap="Blues" if alone else "RdBu",
            center=None if alone else 0.0,
            vmin=0 if alone else -40,
            vmax=100 if alone else 40,
            cbar=False,
            xticklabels=True,  # by default, seaborn leaves out labels for which it sees no room
            yticklabels=True,
            ax=panel,
        )
        panel.set(title=f"{malicious} of {nodes} {what}", xlabel="", ylabel="")
        panel.tick_params(axis="y", rotation=0)
        if room.below > STRAIGHT_BELOW:
            plt.setp(
                panel.get_xticklabels(),
                rotation=math.degrees(SLANT),
                ha="right",
                rotation_mode="anchor",
            )
    told = "\n* of one seed" if starred else ""
    return _save(figure, axes, len(groups), path, records, told)


@names_as_they_are
def draw_curves(records: ComparisonRecords, path: Path) -> Path:
    """Draw test accuracy per round: one panel per federation and attack, one line per strategy."""
    rounds = records.rounds
    honest = rounds[rounds["strategy"] == HONEST]
    shown = rounds[~is_reference(rounds)]
    groups = list(shown.groupby(["fog_nodes", "malicious", "attack"], sort=False))
    names = gate_first(shown["strategy"].unique())
    legend = [*([HONEST] if len(honest) else []), *names]
    across = 3.6 * min(max(len(groups), 1), MOST_ACROSS)
    columns = max(1, int(across / (0.5 + LETTER * max(map(len, legend), default=0))))
    foot = 0.2 * math.ceil(len(legend) / columns)
    figure, axes = _panels(len(groups), width=3.6, height=2.8, left=0.8, foot=foot)
    _share_scale(axes)
    for (key, part), panel in zip(groups, axes, strict=False):
        nodes, malicious, attack = key
        same = (honest["fog_nodes"] == nodes) & (honest["malicious"] == malicious)
        if same.any():
            mean = honest[same].groupby("round")["test_accuracy"].mean()
            panel.plot(mean.index, mean, color="0.7", linewidth=5, label=HONEST, zorder=1)
        for number, name in enumerate(names):
            mean = part[part["strategy"] == name].groupby("round")["test_accuracy"].mean()
            if len(mean):
                panel.plot(
                    mean.index,
                    mean,
                    label=name,
                    # Gates come first in ``names``: thin and on top of the others.
                    zorder=2 + len(names) - number,
                    linewidth=1.4 if is_gated(name) else 2.4,
                    **line_look(number),
                )
        _entitle(panel, f"{attack}, {malicious} of {nodes}")
        show_accuracy_per_round(panel)
        panel.set(xlabel="round", ylabel="test accuracy")
    known = lines_of(axes)
    shown_names = [name for name in legend if name in known]
    lines = [known[name] for name in shown_names]
    figure.legend(lines, shown_names, loc="lower center", ncols=columns, fontsize=8)
    return _save(figure, axes, len(groups), path, records)


@names_as_they_are
def draw_strengths(records: ComparisonRecords, path: Path) -> Path | None:
    """Draw test accuracy over the strength of each attack that was run with several strengths.

    Return None if there is no such attack.
    """
    runs = records.finished
    runs = runs[runs["malicious"] > 0]
    attacked = runs[~is_reference(runs)].copy()
    attacked["name"] = [attack.partition("=")[0] for attack in attacked["attack"]]
    attacked["strength"] = [
        _strength(*row) for row in attacked[["attack", "fog_nodes", "malicious"]].to_numpy()
    ]
    varied = attacked.groupby(["fog_nodes", "malicious", "name"])
    groups = [(key, part) for key, part in varied if len(set(part["strength"].dropna())) > 1]
    if not groups:
        return None
    honest = (records.runs["malicious"] == 0) & (records.runs["strategy"] == FEDAVG)
    unharmed = records.runs[honest & records.runs["seed"].isin(attacked["seed"])]
    names = gate_first(attacked["strategy"].unique())
    looks = {name: line_look(number) for number, name in enumerate(names)}
    foot = 0.2 * math.ceil((len(names) + 2) / 3)
    figure, axes = _panels(len(groups), width=5.6, height=3.8, left=0.9, foot=foot)
    _share_scale(axes)
    for (key, part), panel in zip(groups, axes, strict=False):
        nodes, malicious, name = key
        for strategy in gate_first(part["strategy"].unique()):
            shown = part[part["strategy"] == strategy].groupby("strength")["test_accuracy"]
            found = {strength: summarise_accuracy(values) for strength, values in shown}
            if len(found) > 1:
                bars = [(s.mean - s.low, s.high - s.mean) for s in found.values()]
                panel.errorbar(
                    np.array([*found], float),
                    [s.mean for s in found.values()],
                    yerr=np.transpose(bars),
                    capsize=3,
                    label=strategy,
                    zorder=2 + len(names) - names.index(strategy),
                    **{**looks[strategy], "marker": looks[strategy]["marker"] or "."},
                )
        for label, rows, style in (
            ("honest alone", runs[runs["strategy"] == HONEST], "--"),
            ("nobody malicious", unharmed, ":"),
        ):
            same = rows[(rows["fog_nodes"] == nodes) & (rows["malicious"].isin([0, malicious]))]
            if len(same):
                panel.axhline(same["test_accuracy"].mean(), color="grey", ls=style, label=label)
        panel.set(
            title=f"{name}, {malicious} of {nodes} (bars: 95% CI, from 3 seeds on)",
            xlabel="strength",
            ylabel="test accuracy",
        )
        panel.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=1))
        strengths = part["strength"].dropna()
        if strengths.min() > 0 and strengths.max() >= WIDE * strengths.min():
            panel.set_xscale("log")
            panel.set_xticks(sorted(set(strengths)), minor=False)
            panel.xaxis.set_major_formatter(ScalarFormatter())
            panel.minorticks_off()
    lines = lines_of(axes)
    figure.legend(lines.values(), lines, fontsize=7, loc="lower center", ncols=3)
    return _save(figure, axes, len(groups), path, records)


def _strength(attack: str, fog_nodes: int, malicious: int) -> float:
    """Return an attack's strength; NaN for a user's attack that is named without one."""
    name, _, strength = attack.partition("=")
    if strength:
        return float(strength)
    return usual_strength(name, fog_nodes, malicious) if ATTACKS.has(name) else math.nan


@names_as_they_are
def draw_rasters(records: ComparisonRecords, path: Path) -> dict[str, Path]:
    """Draw one picture per gate, in numbered files like ``path``; return the paths by gate."""
    updates = records.updates
    gates = gate_first(filter(is_gated, updates["strategy"].unique())) if len(updates) else []
    stems = [path.stem, *(f"{path.stem}-{number}" for number in range(2, len(gates) + 1))]
    return {
        gate: _draw_raster(records, gate, path.with_stem(stem))
        for gate, stem in zip(gates, stems, strict=False)
    }


def _draw_raster(records: ComparisonRecords, gate: str, path: Path) -> Path:
    """Draw the decisions of a gate for the smallest seed, fog nodes x rounds."""
    updates = records.updates
    gated = updates[(updates["strategy"] == gate) & (updates["seed"] == updates["seed"].min())]
    groups = list(gated.groupby(["fog_nodes", "malicious", "attack"], sort=False))
    figure, axes = _panels(len(groups), width=3.2, height=2.2, left=0.55, foot=0.2)
    for (key, part), panel in zip(groups, axes, strict=False):
        nodes, malicious, attack = key
        draw_decisions(part, panel)
        _entitle(panel, f"{attack}, {malicious} of {nodes}")
    for panel in axes[: len(groups)][-4:]:
        panel.set_xlabel("round")
    axes[0].set_ylabel("fog node")
    figure.legend(handles=decisions_explained(), loc="lower center", ncols=2, fontsize=8)
    seed = int(gated["seed"].iloc[0])
    told = f"\ndecisions of {gate}, seed {seed}"
    return _save(figure, axes, len(groups), path, records, told)


def draw_decisions(updates: pd.DataFrame, panel: Axes) -> None:
    """Draw the gate's decisions in one run, fog nodes x rounds, with a colour for each kind."""
    code = pd.Series(
        np.where(updates["is_malicious"], 2, 0) + (updates["accepted"] == updates["is_malicious"]),
        index=updates.index,
    )
    grid = updates.assign(code=code).pivot_table(index="fog_node", columns="round", values="code")
    first, last, nodes_seen = int(grid.columns.min()), int(grid.columns.max()), len(grid)
    grid = grid.reindex(columns=range(first, last + 1))
    # A seaborn heat map labels every row and column, which is too slow for a hundred panels.
    panel.pcolormesh(
        np.arange(first, last + 2) - 0.5,  # the cells of round n are centred on n
        np.arange(nodes_seen + 1),
        grid.to_numpy(),
        cmap=RASTER_COLOURS,
        vmin=-0.5,
        vmax=3.5,
        edgecolor="white",
    )
    panel.set_ylim(nodes_seen, 0)
    panel.set_xticks(sorted({first, last}))
    panel.set_yticks([0.5, nodes_seen - 0.5], [str(grid.index[0]), str(grid.index[-1])])


def decisions_explained() -> list[mpl.patches.Patch]:
    """Return legend handles for the colours of ``draw_decisions``."""
    return [
        mpl.patches.Patch(color=RASTER_COLOURS(number), label=label)
        for number, label in enumerate(RASTER_LABELS)
    ]


@dataclasses.dataclass(frozen=True)
class _Room:
    """Size of a heat map in inches: total width, and margins for labels on the left and below."""

    width: float
    left: float
    below: float


def _room_for_names(groups: Sequence[tuple[Any, pd.DataFrame]]) -> _Room:
    """Return the room in which no label is cut off or covers another."""
    shown = [part[~is_reference(part)] for _, part in groups]
    columns = max((part["strategy"].nunique() for part in shown), default=1)
    strategies = max((part["strategy"].nunique() for _, part in groups), default=1)
    attack, strategy = (
        LETTER * max((part[name].str.len().max() for part in shown if len(part)), default=0)
        for name in ("attack", "strategy")
    )
    left = max(1.1, attack + 0.3)
    if strategies <= STRAIGHT_LABELS and strategy < MAP_WIDTH / columns:
        below = STRAIGHT_BELOW if len(groups) > MOST_ACROSS else LAST_BELOW
        return _Room(left + MAP_WIDTH, left, below)
    left = max(left, strategy * math.cos(SLANT) - 0.5 * MAP_WIDTH / columns)
    return _Room(left + MAP_WIDTH, left, max(1.3, strategy * math.sin(SLANT) + 0.4))


def _entitle(panel: Axes, title: str) -> None:
    """Set a panel's title, wrapped if it is wider than the panel."""
    inches = panel.get_window_extent().width / panel.figure.dpi
    panel.set_title("\n".join(textwrap.wrap(title, int(inches / LETTER))), fontsize=10)


def _panels(
    count: int,
    *,
    width: float,
    height: float,
    left: float,
    below: float = 0.85,
    foot: float = 0.0,
) -> tuple[Figure, list[Axes]]:
    """Return a figure with ``count`` panels.

    ``width`` and ``height`` of a panel, in inches, include the margins ``left`` and ``below`` for
    labels. ``foot`` is added once, below all panels.
    """
    sns.set_theme(style="white", context="notebook", font_scale=0.8)
    columns = min(max(count, 1), MOST_ACROSS)
    rows = -(-max(count, 1) // columns)
    across, down = width * columns, height * rows + 1.0 + foot
    figure, axes = plt.subplots(rows, columns, figsize=(across, down), squeeze=False)
    # Matplotlib's constrained layout takes minutes for a hundred panels.
    figure.subplots_adjust(
        left=left / across,
        right=1 - 0.15 / across,
        bottom=(below + 0.05 + foot) / down,
        top=1 - 0.9 / down,
        wspace=left / (width - left),
        hspace=below / (height - below),
    )
    return figure, list(axes.flat)


def _share_scale(axes: list[Axes]) -> None:
    """Give all panels one y-axis, so that they can be compared at a glance."""
    for panel in axes[1:]:
        panel.sharey(axes[0])


def _save(
    figure: Figure,
    axes: list[Axes],
    used: int,
    path: Path,
    records: ComparisonRecords,
    remark: str = "",
) -> Path:
    for empty in axes[used:]:
        empty.set_axis_off()
    top = 1 - 0.15 / figure.get_figheight()
    figure.suptitle(data_seen(records.facts)[0] + remark, fontsize=9, y=top)
    return save_figure(figure, path, dpi=DPI)
