"""The demo's picture: digits before and after protection, accuracy curves, and gate decisions."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure, SubFigure
from matplotlib.ticker import MaxNLocator

from fog_flower.config import NONE, RunConfig
from fog_flower.data.field import Field, prepare_field
from fog_flower.data.preprocess import PixelNormaliser
from simulations.audits.end_nodes import as_shipped
from simulations.experiments.attack_grid import is_gated
from simulations.experiments.demo import told
from simulations.reports.attack_grid.grid_pictures import decisions_explained, draw_decisions
from simulations.reports.attack_grid.grid_records import ComparisonRecords
from simulations.reports.panels import show_accuracy_per_round
from simulations.reports.save_figure import names_as_they_are, save_figure

SHOWN = 4  # digits
STRONGER = 50  # factor that makes the noise on pixels visible in the picture
STRONGER_MAPPED = 5  # the same for noise on features, which have a smaller range
LOOKS = (("0.25", "-"), ("tab:red", "--"), ("tab:blue", "-"))
Pixels = npt.NDArray[np.float64]


@names_as_they_are
def draw_demo(records: ComparisonRecords, config: RunConfig, path: Path) -> Path:
    """Draw the picture to ``path`` (PNG), and as SVG beside it.

    Parameters
    ----------
    records : ComparisonRecords
        Records of the demo.
    config : RunConfig
        Configuration of one of its runs. The digits are those of its first end node.
    path : Path
    """
    sns.set_theme(style="whitegrid", context="notebook", font_scale=0.85)
    figure = plt.figure(figsize=(11, 5), layout="constrained")
    pixels = _without_features(config).preprocess
    right: Figure | SubFigure = figure
    if isinstance(pixels, PixelNormaliser):
        sides = figure.subfigures(1, 2, squeeze=False, width_ratios=[1, 1.3])
        _draw_images(_shipped(config, pixels), sides[0, 0])
        right = sides[0, 1]
    above, below = right.subplots(2, 1, height_ratios=[2.6, 1])
    _draw_curves(records.rounds, above)
    _draw_raster(records, below)
    return save_figure(figure, path, dpi=130)


def _shipped(config: RunConfig, pixels: PixelNormaliser) -> dict[str, Pixels]:
    """Return digits before and after protection, and the noise in them, in [0, 1].

    If the run maps inputs to features, the shipped numbers are shown as a grey tile.
    """
    field, raw_field = prepare_field(config), _without_features(config)
    place = field.shards[0][0][:SHOWN]
    raw, clean = raw_field.train.take(place).inputs, field.seen(place)
    sent = as_shipped(config, field, clean).inputs
    found = {"what an end node has": raw / np.iinfo(raw.dtype).max}
    times = STRONGER if clean.inputs.shape == raw.shape else STRONGER_MAPPED
    noise = f"the noise in it,\n{times} times as strong"
    if clean.inputs.shape == raw.shape:
        found["what it ships"] = sent * pixels.deviation + pixels.mean
        found[noise] = 0.5 + times * (sent - clean.inputs) * pixels.deviation
    elif sent.shape == clean.inputs.shape:
        low, high = np.percentile(clean.inputs, [2, 98])
        width = float(high - low)
        found[f"what it ships:\n{sent[0].size} numbers"] = _tiles((sent - low) / width)
        found[noise] = _tiles(0.5 + times * (sent - clean.inputs) / width)
    return {name: np.clip(shown, 0.0, 1.0) for name, shown in found.items()}


def _without_features(config: RunConfig) -> Field:
    return prepare_field(config.changed({"features": NONE}))


def _tiles(rows: Pixels) -> Pixels:
    """Reshape rows of numbers [n, k] to grey tiles [n, height, width], as square as k allows."""
    size = rows[0].size
    height = next(h for h in range(int(np.sqrt(size)), 0, -1) if size % h == 0)
    return rows.reshape(len(rows), height, size // height)


def _draw_images(kinds: dict[str, Pixels], figure: SubFigure) -> None:
    panels = figure.subplots(len(kinds), SHOWN, squeeze=False)
    for row, (name, images) in zip(panels, kinds.items(), strict=True):
        for panel, image in zip(row, images, strict=False):
            panel.imshow(image.squeeze(), cmap="gray", vmin=0.0, vmax=1.0)
        for panel in row:
            panel.set(xticks=[], yticks=[])
            panel.grid(visible=False)
        row[0].set_ylabel(name, rotation=0, ha="right", va="center")


def _draw_curves(rounds: pd.DataFrame, panel: Axes) -> None:
    """Draw one line per run, with its name at its end and no names on top of each other."""
    last, ends = max(rounds["round"]), []
    runs = {
        (int(str(malicious)), str(strategy)): part.sort_values("round")
        for (malicious, strategy), part in rounds.groupby(["malicious", "strategy"])
    }
    ordered = sorted(runs, key=lambda run: (run[0], is_gated(run[1])))
    for run, (colour, style) in zip(ordered, LOOKS, strict=True):
        line = runs[run]
        panel.plot(line["round"], line["test_accuracy"], color=colour, linestyle=style, linewidth=2)
        ends.append((float(line["test_accuracy"].iloc[-1]), told(*run), colour))
    for height, (accuracy, name, colour) in zip(_apart(ends), sorted(ends), strict=True):
        panel.annotate(
            f"{name}: {accuracy:.1%}",
            (last, accuracy),
            xytext=(1.03, height),
            textcoords=panel.get_yaxis_transform(),
            color=colour,
            va="center",
            annotation_clip=False,
        )
    panel.set(ylim=(0, 1), xlim=(0, last + 0.5), xlabel="round", ylabel="test accuracy")
    show_accuracy_per_round(panel)


def _apart(ends: list[tuple[float, str, str]], least: float = 0.07) -> list[float]:
    """Return heights for the names in order of accuracy, at least ``least`` apart."""
    heights: list[float] = []
    for accuracy, _, _ in sorted(ends):
        heights.append(max(accuracy, heights[-1] + least) if heights else accuracy)
    return [height - max(0.0, heights[-1] - 1.0) for height in heights]


def _draw_raster(records: ComparisonRecords, panel: Axes) -> None:
    updates = records.updates
    gated = updates[updates["strategy"].map(is_gated)]
    draw_decisions(gated, panel)
    last = int(gated["round"].max())
    panel.set(xlabel="round", ylabel="fog node", title="decisions of the gate")
    panel.set(xlim=(0, last + 0.5), xticks=range(last + 1))  # those of the panel above
    panel.xaxis.set_major_locator(MaxNLocator(integer=True))
    panel.grid(visible=False)
    panel.legend(
        handles=decisions_explained(), loc="center left", bbox_to_anchor=(1.02, 0.5), fontsize=8
    )
