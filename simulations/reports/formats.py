"""How figures are written in tables: percent, points, p values, and honest gaps."""

import math
from collections.abc import Mapping
from typing import Any

from simulations.reports.statistics import Summary

NONE = "-"


def percent(value: float) -> str:
    """Write 0.8357 as ``83.57``; the column says percent."""
    return NONE if math.isnan(value) else f"{100 * value:.2f}"


def points(value: float) -> str:
    """Write a difference in points of accuracy, with its sign."""
    return NONE if math.isnan(value) else f"{100 * value:+.2f}"


def interval(low: float, high: float) -> str:
    """Write an interval of differences in points."""
    return "no CI" if math.isnan(low) else f"{points(low)} to {points(high)}"


def p_value(value: float) -> str:
    """Write a p value with what it can tell."""
    if math.isnan(value):
        return NONE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def machine(hardware: Mapping[str, Any]) -> str:
    """Say on what something ran; ``hardware`` as ``run.json`` has it."""
    return f"{hardware['cores']} cores of {hardware['processor']}"


def summary(value: Summary) -> str:
    """Write ``mean ± sd (CI low to high)``; a single seed has neither."""
    if value.n == 0:
        return NONE
    if value.n == 1:
        return f"{percent(value.mean)} (1 seed: no CI)"
    return (
        f"{percent(value.mean)} ± {percent(value.sd)} "
        f"({percent(value.low)} to {percent(value.high)})"
    )
