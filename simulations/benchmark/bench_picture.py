"""The picture of a benchmark: throughput compared with two others."""

from pathlib import Path

import matplotlib.pyplot as plt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes

from simulations.reports.save_figure import save_figure


def draw(rows: pd.DataFrame, about: str, path: Path) -> Path:
    """Draw throughput as PNG and SVG, a panel a model."""
    models = list(rows["model"].unique())
    sns.set_theme(style="whitegrid", context="notebook")
    figure, axes = plt.subplots(
        1, len(models), figsize=(5.2 * len(models), 4.8), squeeze=False, layout="constrained"
    )
    for model, panel in zip(models, axes[0], strict=True):
        _throughput(rows[rows["model"] == model], panel)
        panel.set(title=f"{model.upper()}: training")
    figure.suptitle(about, fontsize=10)
    figure.supxlabel("median; black lines: lowest to highest", fontsize=9, color="0.3")
    return save_figure(figure, path, dpi=110)


def _throughput(rows: pd.DataFrame, panel: Axes) -> None:
    shown = rows.assign(
        speed=rows["images"] / rows["seconds"], who=rows["side"] + ", " + rows["precision"]
    )
    sns.barplot(
        shown,
        x="fog_nodes",
        y="speed",
        hue="who",
        estimator="median",
        errorbar=("pi", 100),
        err_kws={"color": "black", "linewidth": 1.2},
        palette="colorblind",
        ax=panel,
    )
    for number, bars in enumerate(panel.containers):
        for bar in bars:
            bar.set_hatch(("", "//", "..", "xx", "\\\\")[number % 5])
    panel.set(xlabel="fog nodes", ylabel="images a second")
    panel.set_ylim(top=1.45 * panel.get_ylim()[1])  # room for the legend
    panel.legend(title=None, fontsize=8, loc="upper left")
