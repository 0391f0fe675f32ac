"""How figures are written in tables: percent, points, p values, and honest gaps."""

import math
from collections.abc import Mapping
from typing import Any

from simulations.reports.statistics import Summary
from simulations.visible import counted

NONE = "-"


def percent(value: float) -> str:
    """Write 0.8357 as ``83.57``; the column says percent."""
    return NONE if math.isnan(value) else f"{100 * value:.2f}"


def accuracy(found: Summary) -> str:
    """Write accuracies of a cell's seeds, in percent; the one place that decides what is told.

    Of three seeds or more, mean ± standard deviation and the 95% interval; of fewer, each seed.
    """
    if math.isnan(found.sd):
        return " and ".join(map(percent, found.values)) or NONE
    return f"{percent(found.mean)} ± {percent(found.sd)} ({within(found)})"


def within(found: Summary) -> str:
    """Write the 95% interval of accuracies in percent; of fewer than three seeds there is none."""
    return "no CI" if math.isnan(found.low) else f"{percent(found.low)} to {percent(found.high)}"


def points(value: float) -> str:
    """Write a difference in points of accuracy, with its sign."""
    return NONE if math.isnan(value) else f"{100 * value:+.2f}"


def interval(low: float, high: float) -> str:
    """Write an interval of differences of accuracies in points, of which there are 100."""
    return "no CI" if math.isnan(low) else f"{points(max(low, -1.0))} to {points(min(high, 1.0))}"


def p_value(value: float) -> str:
    """Write a p value with what it can tell."""
    if math.isnan(value):
        return NONE
    return "< 0.001" if value < 0.001 else f"{value:.3f}"


def computing(seconds: float) -> str:
    """Write how long something computed: ``40 seconds``, ``12 minutes``, ``1.5 hours``."""
    if seconds < 90:
        return counted(round(seconds), "second")
    if seconds < 3600:
        return counted(round(seconds / 60), "minute")
    return f"{seconds / 3600:.1f} hours"


def machine(hardware: Mapping[str, Any]) -> str:
    """Say on what something ran; ``hardware`` as ``run.json`` has it."""
    return f"{hardware['cores']} cores of {hardware['processor']}"
