"""The trilemma's picture: what protection and robustness cost, and whether the gate still tells."""

from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from simulations.experiments.epsilon import NOT_PRIVATE
from simulations.reports.epsilon_lines import ORDER, draw_line, label_epsilons, places_of, styles
from simulations.reports.save_figure import save_figure

DODGE = 0.06  # horizontal offset between lines
FAR = 5.0  # times the largest loss behind the gate: what lies further away is told, not drawn


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
        label_epsilons(axes)
        axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
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
    for number, (series, style) in enumerate(zip(near, styles(), strict=False)):
        known = (
            best
            - groups[series].set_index("epsilon").reindex(ORDER)[["test", "test_high", "test_low"]]
        )
        known = known.set_axis(["value", "low", "high"], axis=1)
        places = places_of(number, len(near), DODGE)
        draw_line(axes, places, known, label=series, linestyle="-", **style)
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
    for number, ((name, shares, who), style) in enumerate(zip(drawn, styles(), strict=False)):
        places, dashes = places_of(number, len(drawn), DODGE), "-" if who == "honest" else "--"
        axes.plot(places, 100 * shares.reindex(ORDER), label=name, linestyle=dashes, **style)
    axes.set_ylim(0, 100)
    axes.set_title("whom the gate refuses", loc="left")
    axes.set_ylabel("updates refused, %")
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), frameon=False, ncols=2)
