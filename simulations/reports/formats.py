"""Formats of figures in tables: percent, points, p values, and missing values."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from simulations.reports.statistics import Summary
from simulations.visible import counted

NONE = "-"


def percent(value: float) -> str:
    """Format 0.8357 as ``83.57``, without a percent sign; NaN as ``-``."""
    return NONE if math.isnan(value) else f"{100 * value:.2f}"


def in_percent(value: float) -> str:
    """Format 0.8357 as ``83.57%``; NaN as ``-``."""
    return NONE if math.isnan(value) else f"{percent(value)}%"


def accuracy(found: Summary) -> str:
    """Format the accuracies of a cell's seeds in percent, the same way in all tables.

    With three seeds or more: mean ± standard deviation and the 95% interval. With fewer: the value
    of each seed.
    """
    if math.isnan(found.sd):
        return " and ".join(map(percent, found.values)) or NONE
    return f"{percent(found.mean)} ± {percent(found.sd)} ({within(found)})"


def within(found: Summary) -> str:
    """Format the 95% interval of accuracies in percent; ``no CI`` with fewer than three seeds."""
    return "no CI" if math.isnan(found.low) else f"{percent(found.low)} to {percent(found.high)}"


def points(value: float) -> str:
    """Format a difference of accuracies in percentage points, with its sign; NaN as ``-``."""
    return NONE if math.isnan(value) else f"{100 * value:+.2f}"


def interval(low: float, high: float) -> str:
    """Format an interval of differences of accuracies in points, cut at -100 and +100."""
    return "no CI" if math.isnan(low) else f"{points(max(low, -1.0))} to {points(min(high, 1.0))}"


def p_value(value: float) -> str:
    """Format a p value with three decimals, or as ``< 0.001``; NaN as ``-``."""
    if math.isnan(value):
        return NONE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def computing(seconds: float) -> str:
    """Format a computing time as ``40 seconds``, ``12 minutes`` or ``1.5 hours``."""
    if seconds < 90:
        return counted(round(seconds), "second")
    if seconds < 3600:
        return counted(round(seconds / 60), "minute")
    return f"{seconds / 3600:.1f} hours"


def machine(hardware: Mapping[str, Any]) -> str:
    """Return cores and processor of a machine; ``hardware`` is that of ``run.json``."""
    return f"{hardware['cores']} cores of {hardware['processor']}"


def seeds(numbers: Sequence[int]) -> str:
    """Format sorted seeds as ``0 to 4``, or ``0, 2, 7`` if some between them are missing."""
    if len(numbers) > 1 and list(numbers) == list(range(numbers[0], numbers[-1] + 1)):
        return f"{numbers[0]} to {numbers[-1]}"
    return ", ".join(map(str, numbers))
