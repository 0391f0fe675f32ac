"""ROC analysis of scores: area, true positive rate at few false positives, and the curve."""

from collections.abc import Mapping
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import numpy.typing as npt
from scipy.optimize import brentq
from scipy.stats import rankdata

from simulations.audits.bounds import proportion
from simulations.reports.save_figure import save_figure

FEW = 1e-3  # false positive rate at which attacks are compared (Carlini et al. 2022)
NORMAL = 1.959963984540054  # normal quantile of a two-sided 95% interval
Scores = npt.NDArray[np.float64]


def area(
    one: Scores, other: Scores, sizes: tuple[int, int] | None = None
) -> tuple[float, float, float]:
    """Return the area under the ROC curve with its 95% interval.

    The interval is Newcombe's method 5 (2006, doi:10.1002/sim.2324). Unlike that of DeLong, it has
    a width even if the scores separate both groups perfectly.

    Parameters
    ----------
    one, other : float64 [m], [n]
        A larger score makes ``one`` more likely. Ties count half.
    sizes : tuple of int, optional
        Numbers of independent examples in each, if several scores belong to the same example.

    Returns
    -------
    tuple of float
        The area, and the ends of the interval.
    """
    m, n = len(one), len(other)
    ranks = rankdata(np.concatenate([one, other]))
    found = float((ranks[:m].sum() - m * (m + 1) / 2) / (m * n))
    m, n = sizes or (m, n)
    return found, _end(found, 0.0, m, n), _end(found, 1.0, m, n)


def _end(found: float, far: float, m: int, n: int) -> float:
    """Return the end of the interval, between ``found`` and ``far``."""
    more = (m + n) / 2 - 1

    def left(area: float) -> float:
        spread = area * (1 - area) * (1 + more * ((1 - area) / (2 - area) + area / (1 + area)))
        return abs(area - found) - NORMAL * float(np.sqrt(spread / (m * n)))

    near = found + (1e-9 if far > found else -1e-9)
    if found == far or left(near) >= 0.0:
        return far if found == far else found
    return float(brentq(left, near, far))


def rate_at(one: Scores, other: Scores, independent: int = 0) -> tuple[float, float, float]:
    """Return the share of ``one`` above a threshold that at most 0.1% of ``other`` pass.

    Parameters
    ----------
    one, other : float64 [m], [n]
    independent : int
        Number of independent examples in ``one``, if several scores belong to the same example. 0
        if all scores are independent.

    Returns
    -------
    tuple of float
        The share, and its Clopper-Pearson interval at that threshold.
    """
    allowed = int(FEW * len(other))
    threshold = np.sort(other)[::-1][allowed]
    share = float((one > threshold).mean())
    count = independent or len(one)
    return (share, *proportion(share * count, count))


def draw_rocs(
    curves: Mapping[str, tuple[Scores, Scores]], path: Path, hit: str, false: str
) -> None:
    """Draw ROC curves on logarithmic axes, which show low false positive rates.

    Parameters
    ----------
    curves : mapping of name to scores
        The scores of those that should be found, and of the others.
    path : Path
        Path of the PNG.
    hit, false : str
        Names of both groups, for the axes.
    """
    figure, axis = plt.subplots(figsize=(5.2, 5.8), layout="constrained")
    least = min(1.0 / len(other) for _, other in curves.values())
    for name, (one, other) in curves.items():
        thresholds = np.sort(np.unique(np.concatenate([one, other])))[::-1]
        hits = 1.0 - np.searchsorted(np.sort(one), thresholds) / len(one)
        falses = 1.0 - np.searchsorted(np.sort(other), thresholds) / len(other)
        shown = falses > 0.0
        axis.plot(falses[shown], np.maximum(hits[shown], least / 10), label=name)
    axis.plot([least, 1.0], [least, 1.0], color="grey", linestyle=":", label="guessing")
    axis.set(
        xscale="log",
        yscale="log",
        xlim=(least, 1.0),
        ylim=(least, 1.05),
        xlabel=f"false positives: {false}",
        ylabel=f"found: {hit}",
    )
    figure.legend(loc="outside lower center", fontsize="small")  # inside it would cover lines
    save_figure(figure, path, dpi=120)
