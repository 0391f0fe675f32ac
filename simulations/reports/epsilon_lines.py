"""Lines over epsilon: their order, places and looks, and the axis below them."""

import itertools
from collections.abc import Iterator
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
from matplotlib.axes import Axes

from simulations.experiments.epsilon import EPSILONS, NOT_PRIVATE

ORDER = [*reversed(EPSILONS)]  # from the strongest promise to none
COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#000000")
MARKERS = "osD^vP"


def places_of(number: int, count: int, dodge: float) -> npt.NDArray[np.float64]:
    """Return where one of ``count`` lines has its points, so that they do not cover each other.

    Parameters
    ----------
    number, count : int
    dodge : float
        Horizontal offset between lines; two epsilons are 1 apart.
    """
    return np.arange(len(ORDER), dtype=np.float64) + dodge * (number - (count - 1) / 2)


def styles() -> Iterator[dict[str, Any]]:
    """Yield colours and markers, again and again; markers tell lines apart in grey, too."""
    for colour, marker in itertools.cycle(zip(COLOURS, MARKERS, strict=True)):
        yield {"color": colour, "marker": marker}


def draw_line(
    axes: Axes, places: npt.NDArray[np.float64], known: pd.DataFrame, **looks: Any
) -> None:
    """Draw percents over epsilon with their intervals, which may be missing.

    Parameters
    ----------
    axes : Axes
    places : float64 [k]
        From ``places_of``.
    known : DataFrame
        Columns ``value``, ``low`` and ``high``, as fractions, in ``ORDER``.
    looks
        Of the line, and its label.
    """
    errors = [known["value"] - known["low"], known["high"] - known["value"]]
    axes.errorbar(
        places,
        100 * known["value"],
        yerr=[100 * error.fillna(0.0) for error in errors],
        capsize=3,
        **looks,
    )


def label_epsilons(axes: Axes) -> None:
    """Label the horizontal axis, and draw lines at the values of the vertical one."""
    axes.set_xticks(range(len(ORDER)), ["not private" if e == NOT_PRIVATE else e for e in ORDER])
    axes.set_xlabel("epsilon (less hides better)")
    axes.grid(axis="y", alpha=0.3)
