"""Overview picture of Table 2: test accuracy of every cell, and the paper's validation accuracy."""

import math
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from simulations.reports.looks import COLOURS
from simulations.reports.panels import lines_of
from simulations.reports.save_figure import names_as_they_are, save_figure
from simulations.reports.statistics import FEWEST
from simulations.reports.sweep_records import LOCAL, TEST, SweepRecords

PAPER = "the paper: validation accuracy, as printed (SVHN)"
MARKERS = "sD^v"  # readable in black and white
APART = 0.14  # horizontal distance of two series, as a fraction of that of two cells


@names_as_they_are
def draw_overview(records: SweepRecords, rows: pd.DataFrame, path: Path) -> Path:
    """Draw a panel per model with a column per architecture, as PNG and SVG; return the PNG's path.

    Parameters
    ----------
    records : SweepRecords
        Records of Table 2.
    rows : DataFrame
        Result of ``accuracy_rows`` or ``rows_beside``.
    path : Path
    """
    sns.set_theme(style="whitegrid", context="notebook")
    models = list(dict.fromkeys(cell.family for cell in records.experiment.cells))
    figure, panels = plt.subplots(
        1, len(models), figsize=(11, 4.6), sharey=True, squeeze=False, layout="constrained"
    )
    tests = rows[rows["metric"] == TEST]
    if "settings" not in tests:
        tests = tests.assign(settings="")
    looks = {
        settings: {
            "fmt": MARKERS[number % len(MARKERS)],
            "color": COLOURS[number % len(COLOURS)],
            "label": _told(str(settings), part, len(records.experiment.cells)),
        }
        for number, (settings, part) in enumerate(tests.groupby("settings", sort=False))
    }
    for model, axes in zip(models, panels[0], strict=True):
        cells = [cell for cell in records.experiment.cells if cell.family == model]
        labels = [cell.label for cell in cells]
        ran = tests[tests["model"] == model]  # settings without runs of the model take no room
        series = list(ran.groupby("settings", sort=False))
        for place, (settings, part) in enumerate(series):
            offset = APART * (place - (len(series) - 1) / 2)
            _draw_series(part, labels, offset, looks[settings], axes)
        printed = [cell.printed[LOCAL] for cell in cells]
        axes.plot(printed, "o", mfc="none", mec="0.25", ms=10, label=PAPER, zorder=1)
        axes.set(title=model.upper(), xticks=range(len(cells)))
        axes.set_xticklabels([cell.label.replace(", ", ",\n") for cell in cells])
        axes.set(xlim=(-0.5, len(cells) - 0.5), ylim=(0, 1))
        axes.yaxis.set_major_formatter(PercentFormatter(1.0))
    panels[0][0].set(ylabel="accuracy")
    known = lines_of(panels[0])
    figure.legend(known.values(), known, loc="outside lower center", ncols=1, fontsize=9)
    figure.suptitle(f"Table 2, {records.scale.name} scale, on {records.data}", fontsize=11)
    return save_figure(figure, path, dpi=130)


def _told(settings: str, tests: pd.DataFrame, cells: int) -> str:
    seeds = [*dict.fromkeys(sorted(n for n in tests["seeds"] if n))] or [0]
    count = " to ".join(dict.fromkeys((str(seeds[0]), str(seeds[-1]))))
    spread = "1 seed" if seeds == [1] else f"{count} seeds"
    if seeds[-1] >= FEWEST:
        spread += ", 95% CI" if seeds[0] >= FEWEST else f", 95% CI from {FEWEST} on"
    have = "has" if len(tests) == 1 else "have"
    missing = f"; {len(tests)} of {cells} cells {have} run" if len(tests) < cells else ""
    return f"ours: test accuracy{settings and ', '}{settings} ({spread}{missing})"


def _draw_series(
    tests: pd.DataFrame,
    labels: list[str],
    offset: float,
    look: dict[str, Any],
    axes: Axes,
) -> None:
    found = tests.set_index("architecture")
    found = found.rename(index=lambda label: str(label).partition(";")[0]).reindex(labels)
    places = [place + offset for place in range(len(labels))]
    below, above = found["mean"] - found["ci_low"], found["ci_high"] - found["mean"]
    axes.errorbar(
        places,
        found["mean"],
        yerr=[below, above] if below.notna().any() else None,
        capsize=4,
        **look,
    )
    _mark_collapsed(found, places, axes)


def _mark_collapsed(found: pd.DataFrame, places: list[float], axes: Axes) -> None:
    """Write the number of collapsed runs at each cell; at the axis if no other run is left."""
    for place, row in zip(places, found.to_dict("records"), strict=True):
        if not row["collapsed"] > 0:
            continue
        runs = row["collapsed"] + row["seeds"]
        alone = math.isnan(row["mean"])
        axes.annotate(
            f"{row['collapsed']:.0f} of {runs:.0f}\ncollapsed",
            (place, 0.0 if alone else row["mean"]),
            xycoords=axes.get_xaxis_transform() if alone else "data",
            xytext=(0, 4 if alone else 14),
            textcoords="offset points",
            ha="center",
            fontsize=8,
        )
