"""The picture of a benchmark: throughput compared with two others, and the cost of the gate."""

from pathlib import Path

import matplotlib as mpl
import pandas as pd

mpl.use("Agg")

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.axes import Axes

from simulations.benchmark.bench_tables import gate_share
from simulations.benchmark.parts.scale import GATE, HONEST
from simulations.reports.save_figure import save_figure


def draw(sittings: dict[str, pd.DataFrame], about: str, path: Path) -> Path | None:
    """Draw throughput and the gate's share of a round as PNG and SVG; None if neither is there."""
    throughput, scale = sittings.get("throughput"), sittings.get("scale")
    models = [] if throughput is None else list(throughput["model"].unique())
    panels = len(models) + (scale is not None)
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
    if scale is not None:
        _gate(scale[scale["what"] == GATE], axes[0][-1])
    figure.suptitle(about, fontsize=10)
    figure.supxlabel("median; black lines: lowest to highest", fontsize=9, color="0.3")
    return save_figure(figure, path, dpi=110)


def _throughput(rows: pd.DataFrame, panel: Axes) -> None:
    shown = rows.assign(
        speed=rows["images"] / rows["seconds"], who=rows["side"] + ", " + rows["precision"]
    )
    _bars(shown, "speed", panel)
    panel.set(ylabel="images a second")


def _gate(rows: pd.DataFrame, panel: Axes) -> None:
    attacked = rows["attack"].mask(rows["attack"] == HONEST, "nobody attacks")
    who = rows["model"].str.upper() + ", " + attacked
    _bars(rows.assign(share=100.0 * gate_share(rows), who=who), "share", panel)
    panel.set(title="The gate's share of a round", ylabel="percent, without the test images")


def _bars(rows: pd.DataFrame, y: str, panel: Axes) -> None:
    """Draw medians by fog nodes and ``who``, with hatches for those who see no colours."""
    sns.barplot(
        rows,
        x="fog_nodes",
        y=y,
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
    panel.set(xlabel="fog nodes")
    panel.set_ylim(top=1.45 * panel.get_ylim()[1])  # room for the legend
    panel.legend(title=None, fontsize=8, loc="upper left")
