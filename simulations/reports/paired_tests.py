"""Paired tests between cells of Table 2, and the tables of their results."""

import dataclasses
from collections.abc import Sequence

import pandas as pd

from simulations.reports import formats
from simulations.reports.statistics import Comparison, Trend, adjust, compare, trend
from simulations.reports.sweep_records import SweepRecords
from simulations.reports.text_tables import without_empty

MODELS, NODES = ("mlp", "cnn"), (3, 5, 7)
FOG_AGAINST_CENTRALIZED, CNN_AGAINST_MLP = "fog against centralized", "CNN against MLP"


@dataclasses.dataclass(frozen=True)
class Analysis:
    """All comparisons for one metric.

    p values of differences and trends are adjusted together by Holm's method. Those of equivalence
    are adjusted over the comparisons of fog with centralized.
    """

    metric: str
    fog: tuple[Comparison, ...]
    models: tuple[Comparison, ...]
    trends: tuple[Trend, ...]


def analyse(records: SweepRecords, metric: str, margin: float) -> Analysis:
    """Compare fog with centralized, CNN with MLP, and 3, 5, 7 fog nodes, within seeds.

    Parameters
    ----------
    records : SweepRecords
        Records of Table 2.
    metric : str
        One of ``METRICS``.
    margin : float
        Largest difference at which two accuracies count as equivalent, as a fraction.
    """
    names = {cell.name for cell in records.cells}

    def pair(first: str, second: str) -> list[Comparison]:
        if not {first, second} <= names:
            return []
        return [
            compare(
                first, second, records.final(first, metric), records.final(second, metric), margin
            )
        ]

    fog = [c for m in MODELS for n in NODES for c in pair(f"{m}-fog-{n}", f"{m}-centralized")]
    tiers = ["centralized", *(f"fog-{n}" for n in NODES)]
    models = [c for tier in tiers for c in pair(f"cnn-{tier}", f"mlp-{tier}")]
    trends = [
        trend(m, {n: records.final(f"{m}-fog-{n}", metric) for n in NODES})
        for m in MODELS
        if {f"{m}-fog-{n}" for n in NODES} <= names
    ]
    adjusted = adjust([c.p for c in (*fog, *models)] + [t.p for t in trends])
    equivalent = adjust([item.p_equivalent for item in fog])
    ends = len(fog), len(fog) + len(models)
    return Analysis(
        metric,
        tuple(
            dataclasses.replace(c, p_adjusted=p, p_equivalent_adjusted=q)
            for c, p, q in zip(fog, adjusted[: ends[0]], equivalent, strict=True)
        ),
        tuple(
            dataclasses.replace(c, p_adjusted=p)
            for c, p in zip(models, adjusted[ends[0] : ends[1]], strict=True)
        ),
        tuple(
            dataclasses.replace(t, p_adjusted=p)
            for t, p in zip(trends, adjusted[ends[1] :], strict=True)
        ),
    )


def comparison_table(comparisons: Sequence[Comparison]) -> pd.DataFrame:
    """Return a readable table of comparisons, without columns of which too few seeds have run."""
    table = pd.DataFrame(
        {
            "first": c.first,
            "second": c.second,
            "seeds": c.n,
            "difference, points": formats.points(c.difference),
            "95% CI": formats.interval(c.low, c.high),
            "p (t, Holm)": formats.p_value(c.p_adjusted),
            "p (Wilcoxon)": formats.p_value(c.p_wilcoxon),
            "p equivalent (Holm)": formats.p_value(c.p_equivalent_adjusted),
            "effect d (95% CI)": _effect(c),
            "p normal": formats.p_value(c.p_normal),
        }
        for c in comparisons
    )
    return without_empty(table)


def trend_table(trends: Sequence[Trend]) -> pd.DataFrame:
    """Return a readable table of trends, without columns of which too few seeds have run."""
    table = pd.DataFrame(
        {
            "model": t.label.upper(),
            "seeds": t.n,
            "points per fog node": formats.points(t.slope),
            "95% CI": formats.interval(t.low, t.high),
            "p (Page, Holm)": formats.p_value(t.p_adjusted),
            "it rather": _direction(t),
        }
        for t in trends
    )
    return without_empty(table)


def _direction(t: Trend) -> str:
    if t.p != t.p:  # NaN
        return formats.NONE
    return "falls" if t.falls else "grows"


def _effect(c: Comparison) -> str:
    if c.effect != c.effect:  # NaN
        return formats.NONE
    if c.effect_low != c.effect_low:
        return f"{c.effect:.2f} (too few seeds for a CI)"
    return f"{c.effect:.2f} ({c.effect_low:.2f} to {c.effect_high:.2f})"
