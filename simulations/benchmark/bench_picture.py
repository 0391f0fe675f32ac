"""The picture of a benchmark: throughput compared with two others, and cost over fog nodes."""

from pathlib import Path

import matplotlib as mpl
import pandas as pd

mpl.use("Agg")

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.axes import Axes

from simulations.benchmark.bench_tables import STEADY
from simulations.reports.save_figure import save_figure


def draw(sittings: dict[str, pd.DataFrame], about: str, path: Path) -> Path | None:
    """Draw throughput and growth as PNG and SVG; return None if neither was measured."""
    throughput, growth = sittings.get("throughput"), sittings.get("growth")
    models = [] if throughput is None else list(throughput["model"].unique())
    panels = len(models) + (growth is not None)
    if not panels:
        return None
    sns.set_theme(style="whitegrid", context="notebook")
    figure, axes = plt.subplots(
        1, panels, figsize=(5.2 * panels, 4.8), squeeze=False, layout="constrained"
    )
    for model, panel in zip(models, axes[0], strict=False):
        assert throughput is not None  # noqa: S101  (otherwise ``models`` is empty)
        _throughput(throughput[throughput["model"] == model], panel)
        panel.set(title=f"{model.upper()}: training")
    if growth is not None:
        _growth(growth[growth["what"] == "fog nodes"], axes[0][-1])
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


def _growth(rows: pd.DataFrame, panel: Axes) -> None:
    costs = {
        "training": 1e3 * rows["training_seconds"] / rows["images"],
        "whole round, without the test images": 1e3 * rows[STEADY].sum(axis=1) / rows["images"],
    }
    long = pd.concat(
        [rows[["fog_nodes"]].assign(cost=cost, what=what) for what, cost in costs.items()],
        ignore_index=True,
    )
    sns.lineplot(
        long,
        x="fog_nodes",
        y="cost",
        hue="what",
        style="what",
        markers=True,
        estimator="median",
        errorbar=("pi", 100),
        err_style="bars",
        palette="colorblind",
        ax=panel,
    )
    nodes = sorted(rows["fog_nodes"].unique())
    panel.set_xscale("log", base=2)
    panel.set_xticks(nodes, [str(n) for n in nodes])
    panel.set(title="CNN: cost over fog nodes", xlabel="fog nodes", ylabel="ms an image")
    panel.set_ylim(0, 1.3 * panel.get_ylim()[1])  # room for the legend
    panel.legend(title=None, fontsize=8, loc="upper left")
