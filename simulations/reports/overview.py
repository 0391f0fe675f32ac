"""One picture of Table 2: test accuracy of every cell beside the validation the paper printed."""

from pathlib import Path

import matplotlib as mpl
import pandas as pd

mpl.use("Agg")

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from simulations.reports.records import LOCAL, TEST, SweepRecords
from simulations.reports.saving import save_figure

PAPER = "validation, as the paper printed it (SVHN)"
MARKERS = "sD^v"  # readable in black and white
APART = 0.14  # of the distance between two cells


def draw_overview(records: SweepRecords, rows: pd.DataFrame, path: Path) -> Path:
    """Draw a panel per model, a column per architecture, as PNG and SVG; return the PNG.

    Parameters
    ----------
    records : SweepRecords
        Of Table 2.
    rows : DataFrame
        Of ``accuracy_rows``, or of ``rows_beside``.
    path : Path
    """
    sns.set_theme(style="whitegrid", context="notebook")
    models = list(dict.fromkeys(cell.family for cell in records.experiment.cells))
    figure, panels = plt.subplots(
        1, len(models), figsize=(11, 4.6), sharey=True, squeeze=False, layout="constrained"
    )
    for model, axes in zip(models, panels[0], strict=True):
        cells = [cell for cell in records.experiment.cells if cell.family == model]
        _draw_panel(rows[rows["model"] == model], [cell.label for cell in cells], axes)
        printed = [cell.printed[LOCAL] for cell in cells]
        axes.plot(printed, "o", mfc="none", mec="0.25", ms=10, label=PAPER, zorder=1)
        axes.set(title=model.upper(), xticks=range(len(cells)))
        axes.set_xticklabels([cell.label.replace(", ", ",\n") for cell in cells])
        axes.set_xlim(-0.5, len(cells) - 0.5)
        axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0))
    panels[0][0].set(ylabel="accuracy")
    series = {
        label: handle
        for axes in panels[0]
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    figure.legend(series.values(), series, loc="outside lower center", ncols=1, fontsize=9)
    figure.suptitle(f"Table 2, {records.scale.name} scale, on {records.data}", fontsize=11)
    return save_figure(figure, path, dpi=130)


def _draw_panel(rows: pd.DataFrame, labels: list[str], axes: Axes) -> None:
    tests = rows[rows["metric"] == TEST]
    settings = tests["settings"] if "settings" in tests else pd.Series("", tests.index)
    colours = sns.color_palette("colorblind")
    for number, name in enumerate(dict.fromkeys(settings)):
        part = tests[settings == name].set_index("architecture")
        part = part.rename(index=lambda label: str(label).partition(";")[0]).reindex(labels)
        seeds = sorted({int(count) for count in part["seeds"].dropna()})
        told = " to ".join(map(str, dict.fromkeys((seeds[0], seeds[-1]))))
        told += " seed" if seeds == [1] else " seeds, 95% CI"
        told += ", not all have run" if part["mean"].isna().any() else ""
        where = [place + APART * (number + 1) for place in range(len(labels))]
        axes.errorbar(
            where,
            part["mean"],
            yerr=[part["mean"] - part["ci_low"], part["ci_high"] - part["mean"]],
            fmt=MARKERS[number % len(MARKERS)],
            color=colours[number],
            capsize=4,
            label=f"test images{name and ', '}{name} ({told})",
        )
