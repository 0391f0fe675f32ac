"""Accuracy per cell with its spread, and the figures printed in the paper."""

import math
from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from fog_flower.records.recorder import FINISHED
from simulations.overrides import as_typed
from simulations.reports import formats
from simulations.reports.statistics import FEWEST, Summary, summarise_accuracy
from simulations.reports.sweep_records import METRICS, SweepRecords
from simulations.reports.text_tables import without_empty


def accuracy_rows(records: SweepRecords) -> pd.DataFrame:
    """Return a row per cell and metric; diverged, failed, collapsed runs are counted, not averaged.

    ``each`` has the values of the averaged seeds in ascending order.
    """
    rows = []
    lost = records.collapsed
    for cell in records.cells:
        runs = records.runs[records.runs["cell"] == cell.name]
        for metric, label in METRICS.items():
            summary = summarise_accuracy(records.final(cell, metric))
            paper = cell.printed.get(metric, math.nan)
            rows.append(
                {
                    "cell": cell.name,
                    "model": cell.family,
                    "architecture": cell.label,
                    "metric": metric,
                    "metric_label": label,
                    "mean": summary.mean,
                    "sd": summary.sd,
                    "ci_low": summary.low,
                    "ci_high": summary.high,
                    "each": " ".join(map(str, summary.values)),
                    "seeds": summary.n,
                    "diverged": int(runs["diverged"].sum()),
                    "failed": int((runs["status"] != FINISHED).sum()),
                    "collapsed": lost[cell.name],
                    "paper": paper,
                    "difference_to_paper": summary.mean - paper,
                    "data": records.data,
                }
            )
    return pd.DataFrame(rows)


def rows_beside(records: SweepRecords, others: Sequence[SweepRecords]) -> pd.DataFrame:
    """Return the rows of all sweeps; the column ``settings`` says how the others differ."""
    parts = [accuracy_rows(records).assign(settings="")]
    for other in others:
        changed = differing(records, other)
        added = accuracy_rows(other).assign(settings=changed)
        added["architecture"] += f"; {changed}"
        parts.append(added)
    return pd.concat(parts, ignore_index=True)


def differing(records: SweepRecords, other: SweepRecords) -> str:
    """Return the settings in which another sweep differs, as command line text."""
    ours = records.overrides
    told = as_typed({k: v for k, v in other.overrides.items() if ours.get(k) != v})
    if other.scale == records.scale:
        return told
    return f"--scale {other.scale.name}" + (f", {told}" if told else "")


def interval_notes(rows: pd.DataFrame) -> list[str]:
    """Return a note that intervals are cut at 0 and 100%, if one is."""
    ends = (rows["ci_low"] == 0.0) | (rows["ci_high"] == 1.0)
    return ["A confidence interval that would leave 0 to 100% ends there."] if ends.any() else []


def readable(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return a readable table per model, with a row per architecture."""
    return {
        str(model).upper(): _one_model(part) for model, part in rows.groupby("model", sort=False)
    }


def _one_model(rows: pd.DataFrame) -> pd.DataFrame:
    lines = []
    for architecture, part in rows.groupby("architecture", sort=False):
        line: dict[str, object] = {"architecture": architecture}
        records = part.to_dict("records")
        for row in records:
            label = str(row["metric_label"])
            line[label] = formats.accuracy(summary_of(row))
            if not math.isnan(row["paper"]):
                difference = formats.points(row["difference_to_paper"])
                line[f"paper's {label.split(',', maxsplit=1)[0]}"] = (
                    f"{formats.percent(row['paper'])} ({difference})"
                )
        seeds = records[0]["seeds"]
        line["seeds"] = seeds if seeds >= FEWEST else f"{seeds} (no CI)"
        line |= {name: records[0][name] for name in ("diverged", "failed", "collapsed")}
        lines.append(line)
    return without_empty(pd.DataFrame(lines))


def summary_of(row: Mapping[Hashable, Any]) -> Summary:
    """Return the summary from which a row of ``accuracy_rows`` was made."""
    each = tuple(map(float, str(row["each"]).split())) if row["seeds"] else ()
    return Summary(row["seeds"], row["mean"], row["sd"], row["ci_low"], row["ci_high"], each)
