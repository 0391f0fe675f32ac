"""The trilemma's picture: what protection and robustness cost, and whether the gate still tells."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from simulations.experiments.epsilon import EPSILONS, NOT_PRIVATE
from simulations.reports.save_figure import save_figure

ORDER = [*reversed(EPSILONS)]  # from the strongest promise to none
DODGE = 0.06  # horizontal offset between lines, so that they do not cover each other
FAR = 5.0  # times the largest loss behind the gate: what lies further away is told, not drawn
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#000000")
MARKERS = "osD^vP"


def draw_trilemma(rows: pd.DataFrame, path: Path) -> Path:
    """Draw accuracy lost over epsilon, and beside it which updates the gate refuses.

    Parameters
    ----------
    rows : DataFrame
        A row per cell: series, epsilon, malicious, test accuracy with interval, and the shares of
        honest and of malicious updates that were refused.
    path : Path
    """
    figure, (lost, refused) = plt.subplots(1, 2, figsize=(10.0, 4.6), layout="constrained")
    _draw_lost(lost, rows)
    _draw_refused(refused, rows)
    for axes in (lost, refused):
        shown = ["not private" if epsilon == NOT_PRIVATE else epsilon for epsilon in ORDER]
        axes.set_xticks(range(len(ORDER)), shown)
        axes.set_xlabel("epsilon (less hides better)")
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
        axes.grid(axis="y", alpha=0.3)
    path.parent.mkdir(parents=True, exist_ok=True)
    return save_figure(figure, path, dpi=120)


def _draw_lost(axes: Axes, rows: pd.DataFrame) -> None:
    """Draw the points that each series loses beside the best case: nobody attacks, no noise."""
    groups = {str(series): part for series, part in rows.groupby("series", sort=False)}
    quiet = next(series for series, part in groups.items() if not part["malicious"].any())
    best = float(groups[quiet].set_index("epsilon")["test"].get(NOT_PRIVATE, np.nan))
    losses = {series: best - part["test"] for series, part in groups.items()}
    gated = [loss.max() for series, loss in losses.items() if series.startswith("gate")]
    far = FAR * max(*gated, 0.01)
    near = [series for series in groups if not losses[series].min() > far]
    for (series, style), shift in zip(_styled(near), _shifts(len(near)), strict=True):
        known = groups[series].set_index("epsilon").reindex(ORDER)
        errors = [known["test_high"] - known["test"], known["test"] - known["test_low"]]
        axes.errorbar(
            np.arange(len(ORDER)) + shift,
            100 * (best - known["test"]),
            yerr=[100 * error.fillna(0.0) for error in errors],
            capsize=3,
            label=series,
            **style,
        )
    axes.set_title("what protection and robustness cost", loc="left")
    axes.set_ylabel("accuracy lost, points")
    away = [
        f"not drawn: {series}, which loses {100 * losses[series].min():.0f} or more"
        for series in groups
        if series not in near
    ]
    beside = f"beside {quiet}, not private; bars: 95% intervals over seeds"
    axes.legend(
        title="\n".join([beside, *away]),
        title_fontsize="small",
        loc="upper center",
        bbox_to_anchor=(0.5, -0.16),
        frameon=False,
        ncols=2,
    )


def _draw_refused(axes: Axes, rows: pd.DataFrame) -> None:
    """Draw the shares of honest and of malicious updates that the gate refuses."""
    gated = rows[rows["series"].str.startswith("gate")]
    drawn = [
        (f"{who}, {count} malicious", part.set_index("epsilon")[f"{who}_refused"], who)
        for who in ("honest", "malicious")
        for count, part in gated.groupby("malicious")
        if part[f"{who}_refused"].notna().any()
    ]
    styled = zip(drawn, _styled([name for name, _, _ in drawn]), _shifts(len(drawn)), strict=True)
    for (name, shares, who), (_, style), shift in styled:
        axes.plot(
            np.arange(len(ORDER)) + shift,
            100 * shares.reindex(ORDER),
            label=name,
            **{**style, "linestyle": "-" if who == "honest" else "--"},
        )
    axes.set_ylim(0, 100)
    axes.set_title("whom the gate refuses", loc="left")
    axes.set_ylabel("updates refused, %")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), frameon=False, ncols=2)


def _shifts(count: int) -> list[float]:
    return [DODGE * (number - (count - 1) / 2) for number in range(count)]


def _styled(names: list[Any]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """Yield each name with a style; styles differ in grey, too."""
    for number, name in enumerate(names):
        kind = number % len(COLOURS)
        yield name, {"color": COLOURS[kind], "marker": MARKERS[kind], "linestyle": "-"}
