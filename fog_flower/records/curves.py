"""Plots of one run, made from its two tables alone."""

from pathlib import Path

import matplotlib as mpl
import pandas as pd

mpl.use("Agg")  # there is no screen in a server process

import matplotlib.pyplot as plt
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

LINES = {
    "train_accuracy": "training, mean of fog nodes",
    "local_validation_accuracy": "validation, mean of\nlocal models",
    "cloud_validation_accuracy": "validation, cloud model",
    "test_accuracy": "test, cloud model",
}
DECISIONS = {"accepted": ("tab:blue", "o"), "refused": ("tab:red", "X")}  # colour and marker


def draw_curves(folder: Path, title: str) -> Path:
    """Plot accuracy and accepted updates per round to ``curves.png`` in the run's folder.

    Parameters
    ----------
    folder : Path
        With ``rounds.csv`` and ``updates.csv``.
    title : str
        Must say which data the run used.
    """
    path = folder / "curves.png"
    figure = curves_of(folder, title)
    figure.savefig(path, dpi=120)
    plt.close(figure)
    return path


@mpl.rc_context({"text.parse_math": False})  # a $ in a name does not begin a formula
def curves_of(folder: Path, title: str) -> Figure:
    """Return the plot of ``draw_curves`` as a figure, which the caller closes."""
    rounds = pd.read_csv(folder / "rounds.csv")
    updates = pd.read_csv(folder / "updates.csv")
    sns.set_theme(style="whitegrid", context="notebook")
    figure, (curves, raster) = plt.subplots(
        2, 1, figsize=(11, 6), sharex=True, height_ratios=[3, 1], layout="constrained"
    )
    long = rounds.rename(columns=LINES).melt(
        id_vars="round", value_vars=list(LINES.values()), var_name="curve", value_name="accuracy"
    )
    sns.lineplot(long, x="round", y="accuracy", hue="curve", style="curve", markers=True, ax=curves)
    curves.set(title=title, ylim=(0, 1))
    curves.legend(title=None, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    _draw_raster(updates, raster)
    return figure


def _draw_raster(updates: pd.DataFrame, axes: Axes) -> None:
    shown = updates.assign(update=updates["accepted"].map({True: "accepted", False: "refused"}))
    kinds = [kind for kind in DECISIONS if (shown["update"] == kind).any()]
    axes.set(xlabel="round", ylabel="fog node", yticks=sorted(shown["fog_node"].unique()))
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    if not kinds:
        return
    sns.scatterplot(
        shown,
        x="round",
        y="fog_node",
        hue="update",
        style="update",
        hue_order=kinds,
        style_order=kinds,
        palette={kind: DECISIONS[kind][0] for kind in kinds},
        markers={kind: DECISIONS[kind][1] for kind in kinds},
        ax=axes,
    )
    axes.set(ylabel="fog node")
    axes.invert_yaxis()
    axes.legend(title=None, loc="upper left", bbox_to_anchor=(1.0, 1.0))
