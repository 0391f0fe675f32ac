"""Histograms of an attacker's scores of two groups, with the cuts by which it tells them apart."""

import dataclasses
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes

from simulations.reports.save_figure import names_as_they_are, save_figure

BINS = 40
TAIL = 0.001  # share of scores at each end that are drawn in the last bin
NARROW = 1e-9  # relative width below which bins cannot be told apart
FILL, LINE = "#b5c7d9", "#222222"  # light and dark, so that they differ in grey as well
Scores = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Panel:
    """The scores of two groups.

    Attributes
    ----------
    title : str
    score : str
        Name of the scores, for the axis.
    one, other : float64 [m], [n]
        Scores that are not finite are not drawn, but the title counts them.
    cuts : sequence of float
        Scores by which the attacker decides. NaN (it does not) is not drawn.
    """

    title: str
    score: str
    one: Scores
    other: Scores
    cuts: Sequence[float] = ()


@names_as_they_are
def draw_histograms(
    panels: Sequence[Panel], path: Path, *, names: tuple[str, str], cut: str
) -> None:
    """Draw a histogram per panel, below each other: the first group filled, the second as a line.

    Parameters
    ----------
    panels : sequence of Panel
    path : Path
        Path of the PNG.
    names : tuple of str
        Of both groups, for the legend.
    cut : str
        Meaning of the cuts, for the legend.
    """
    height = 0.6 + 2.6 * len(panels)
    figure, axes = plt.subplots(
        len(panels), 1, figsize=(6.2, height), layout="constrained", squeeze=False
    )
    for axis, panel in zip(axes.flat, panels, strict=True):
        _draw(axis, panel, names, cut)
    known = {
        label: handle
        for axis in axes.flat
        for handle, label in zip(*axis.get_legend_handles_labels(), strict=True)
    }
    figure.legend(
        known.values(), known.keys(), loc="outside lower center", ncols=len(known), fontsize="small"
    )
    save_figure(figure, path, dpi=120)


def _draw(axis: Axes, panel: Panel, names: tuple[str, str], cut: str) -> None:
    groups = [scores[np.isfinite(scores)] for scores in (panel.one, panel.other)]
    lost = len(panel.one) + len(panel.other) - sum(map(len, groups))
    edges = _edges(np.concatenate(groups))
    looks: tuple[dict[str, Any], ...] = (
        {"histtype": "stepfilled", "color": FILL},
        {"histtype": "step", "color": LINE},
    )
    for scores, name, look in zip(groups, names, looks, strict=True):
        shares = np.full(len(scores), 100.0 / max(len(scores), 1))
        axis.hist(np.clip(scores, edges[0], edges[-1]), edges, weights=shares, label=name, **look)
    for place in panel.cuts:
        if math.isfinite(place):
            axis.axvline(place, color=LINE, linestyle="--", linewidth=1.2, label=cut)
    more = f"; {lost} scores are not finite" if lost else ""
    axis.set_title(f"{panel.title}{more}", fontsize="medium")
    axis.set(xlabel=panel.score, ylabel="share of each, %")


def _edges(scores: Scores) -> list[float]:
    """Return the edges of the bins. The few scores beyond them are drawn in the last bins."""
    if len(scores) == 0:
        scores = np.array([0.5])
    low, high = np.quantile(scores, [TAIL, 1.0 - TAIL])
    if high - low < NARROW * max(abs(low), abs(high), 1.0):  # all are the same
        low, high = low - 0.5, high + 0.5
    return [float(edge) for edge in np.linspace(low, high, BINS + 1)]
