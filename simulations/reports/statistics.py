"""Statistical analysis with scipy and statsmodels, which the paper leaves to future work.

Runs of one seed share images, split, initial weights and shuffles where possible, so cells are
compared within seeds. Accuracies are fractions, and differences are first minus second.
"""

import dataclasses
import math
import warnings
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.weightstats import ttost_paired

CONFIDENCE = 0.95
SIGNIFICANCE = 0.05
FEWEST = 3  # seeds; two have one degree of freedom, and intervals too wide to be useful
BOOTSTRAP_FROM = 5  # seeds; with fewer, resamples repeat each other and an interval means little
RESAMPLES = 9999
ROUNDING = 1e-12  # differences below it count as 0; one image in a million is far more


@dataclasses.dataclass(frozen=True)
class Summary:
    """Mean, standard deviation and t interval over seeds.

    Attributes
    ----------
    n : int
    mean : float
    sd, low, high : float
        NaN with fewer than ``FEWEST`` seeds.
    values : tuple of float
        The value of each seed, in ascending order. Reports show these with fewer seeds.
    """

    n: int
    mean: float
    sd: float = math.nan
    low: float = math.nan
    high: float = math.nan
    values: tuple[float, ...] = dataclasses.field(default=(), compare=False)

    def columns(self, mean: str, before: str = "") -> dict[str, float]:
        """Return the columns of a row: the mean under its name, and sd, low and high."""
        return {
            mean: self.mean,
            f"{before}sd": self.sd,
            f"{before}low": self.low,
            f"{before}high": self.high,
        }


@dataclasses.dataclass(frozen=True)
class Comparison:
    """A paired comparison of two cells; with fewer than ``FEWEST`` seeds only the difference.

    Attributes
    ----------
    n : int
        Seeds in which both finished, and neither diverged nor collapsed.
    difference, low, high : float
        Mean of first minus second, with its t interval.
    p, p_wilcoxon : float
        Two-sided paired t test (assumes normal differences) and Wilcoxon's signed-rank test
        (assumes symmetric ones).
    p_equivalent : float
        Two one-sided tests that the difference lies within the margin.
    p_normal : float
        Shapiro-Wilk test of the normality that the t test assumes; a small p is evidence against
        it.
    effect, effect_low, effect_high : float
        Cohen's d of the differences, with a BCa bootstrap interval.
    p_adjusted, p_equivalent_adjusted : float
        Adjusted by Holm's method over all comparisons that are reported together.
    """

    first: str
    second: str
    n: int
    difference: float
    low: float = math.nan
    high: float = math.nan
    p: float = math.nan
    p_wilcoxon: float = math.nan
    p_equivalent: float = math.nan
    p_normal: float = math.nan
    effect: float = math.nan
    effect_low: float = math.nan
    effect_high: float = math.nan
    p_adjusted: float = math.nan
    p_equivalent_adjusted: float = math.nan


@dataclasses.dataclass(frozen=True)
class Trend:
    """The change of accuracy with the number of fog nodes.

    Attributes
    ----------
    n : int
        Seeds that have all numbers of fog nodes.
    slope, low, high : float
        Mean over seeds of each seed's least-squares slope, per fog node, with its t interval. It is
        the size of the trend that ``p`` tests with ranks.
    falls : bool
        Whether Page's test for a fall has a smaller p than that for a growth.
    p : float
        Two-sided Page's test within seeds: twice the smaller p. It uses only ranks, so it does not
        assume a linear trend, and all seeds count equally.
    p_adjusted : float
        Adjusted by Holm's method, together with the comparisons of the same metric.
    """

    label: str
    n: int
    slope: float
    low: float = math.nan
    high: float = math.nan
    falls: bool = False
    p: float = math.nan
    p_adjusted: float = math.nan


def summarise(values: "pd.Series[float] | Sequence[float]") -> Summary:
    """Summarise the values of one cell, without those that are not finite."""
    finite = _finite(values)
    n, each = len(finite), tuple(sorted(map(float, finite)))
    mean = float(finite.mean()) if n else math.nan
    if n < FEWEST:
        return Summary(n, mean, values=each)
    low, high = _interval(finite)
    return Summary(n, mean, float(finite.std(ddof=1)), low, high, each)


def summarise_accuracy(values: "pd.Series[float] | Sequence[float]") -> Summary:
    """Summarise accuracies of one cell, with the t interval cut at 0 and 1."""
    found = summarise(values)
    if math.isnan(found.low):
        return found
    return dataclasses.replace(found, low=max(found.low, 0.0), high=min(found.high, 1.0))


def compare(
    first: str,
    second: str,
    a: "pd.Series[float]",
    b: "pd.Series[float]",
    margin: float,
) -> Comparison:
    """Compare two cells by seed (the index of both series); seeds without both are left out."""
    both = pd.concat([a, b], axis=1, join="inner").dropna().to_numpy(float)
    n = len(both)
    if n == 0:
        return Comparison(first, second, 0, math.nan)
    differences = both[:, 0] - both[:, 1]
    mean = float(differences.mean())
    if n < FEWEST:
        return Comparison(first, second, n, mean)
    low, high = _interval(differences)
    if _no_spread(differences):  # the tests would divide by zero
        return Comparison(first, second, n, mean, low, high)
    effect_low, effect_high = _bootstrap_effect(differences)
    return Comparison(
        first,
        second,
        n,
        mean,
        low,
        high,
        p=float(stats.ttest_rel(both[:, 0], both[:, 1]).pvalue),
        p_wilcoxon=float(stats.wilcoxon(differences).pvalue),
        p_equivalent=float(ttost_paired(both[:, 0], both[:, 1], -margin, margin)[0]),
        p_normal=float(stats.shapiro(differences).pvalue),
        effect=float(_effect(differences)),
        effect_low=effect_low,
        effect_high=effect_high,
    )


def trend(label: str, by_nodes: "dict[int, pd.Series[float]]") -> Trend:
    """Test for a trend in the number of fog nodes; seeds that lack a number are left out."""
    table = pd.DataFrame(by_nodes).dropna()
    nodes, n = sorted(by_nodes), len(table)
    if n == 0:
        return Trend(label, 0, math.nan)
    values = table[nodes].to_numpy(float)
    slopes = np.array([stats.linregress(nodes, row).slope for row in values])
    if n < FEWEST:
        return Trend(label, n, float(slopes.mean()))
    # Page's test expects columns by increasing rank: for a fall, the most nodes first.
    falling = float(stats.page_trend_test(values[:, ::-1]).pvalue)
    growing = float(stats.page_trend_test(values).pvalue)
    low, high = _interval(slopes)
    p = min(1.0, 2 * min(falling, growing))
    return Trend(label, n, float(slopes.mean()), low, high, falls=falling < growing, p=p)


def adjust(ps: Sequence[float]) -> list[float]:
    """Adjust p values for multiple testing by Holm's method; NaN stays NaN and is not counted."""
    known = [p for p in ps if not math.isnan(p)]
    adjusted = iter(multipletests(known, method="holm")[1] if known else [])
    return [math.nan if math.isnan(p) else float(next(adjusted)) for p in ps]


def _finite(values: "pd.Series[float] | Sequence[float]") -> npt.NDArray[np.float64]:
    array = np.asarray(values, dtype=np.float64)
    return array[np.isfinite(array)]


def _no_spread(values: npt.NDArray[np.float64]) -> bool:
    return bool(np.ptp(values) < ROUNDING)


def _interval(values: npt.NDArray[np.float64]) -> tuple[float, float]:
    mean = float(values.mean())
    if _no_spread(values):
        return mean, mean
    interval = stats.ttest_1samp(values, 0.0).confidence_interval(CONFIDENCE)
    return float(interval.low), float(interval.high)


def _effect(differences: npt.NDArray[np.float64], axis: int = -1) -> npt.NDArray[np.float64]:
    result: npt.NDArray[np.float64] = differences.mean(axis) / differences.std(axis, ddof=1)
    return result


def _bootstrap_effect(differences: npt.NDArray[np.float64]) -> tuple[float, float]:
    if len(differences) < BOOTSTRAP_FROM or np.ptp(differences) == 0.0:  # nothing to resample
        return math.nan, math.nan
    # A resample of one seed only has no spread. SciPy warns if BCa is then undefined (NaN).
    with np.errstate(divide="ignore", invalid="ignore"), warnings.catch_warnings():
        warnings.simplefilter("ignore", stats.DegenerateDataWarning)
        interval = stats.bootstrap(
            (differences,),
            _effect,
            n_resamples=RESAMPLES,
            confidence_level=CONFIDENCE,
            rng=np.random.default_rng(0),
        ).confidence_interval
    return float(interval.low), float(interval.high)
