"""Accuracy per cell, with spread, beside what the paper printed."""

import math
from collections.abc import Hashable
from typing import Any

import pandas as pd

from fog_flower.records.recorder import FINISHED
from simulations.overrides import as_typed
from simulations.reports import formats
from simulations.reports.records import METRICS, SweepRecords
from simulations.reports.statistics import summarise


def accuracy_rows(records: SweepRecords) -> pd.DataFrame:
    """Return a row per cell and metric; diverged and failed runs are counted, not averaged."""
    rows = []
    for cell in records.cells:
        runs = records.runs[records.runs["cell"] == cell.name]
        for metric, label in METRICS.items():
            summary = summarise(records.final(cell, metric))
            paper = cell.printed.get(metric, math.nan)
            rows.append(
                {
                    "cell": cell.name,
                    "model": cell.family.split("-")[0],
                    "architecture": cell.label,
                    "metric": metric,
                    "metric_label": label,
                    "mean": summary.mean,
                    "sd": summary.sd,
                    "ci_low": summary.low,
                    "ci_high": summary.high,
                    "seeds": summary.n,
                    "diverged": int(runs["diverged"].sum()),
                    "failed": int((runs["status"] != FINISHED).sum()),
                    "paper": paper,
                    "difference_to_paper": summary.mean - paper,
                    "data": records.data,
                }
            )
    return pd.DataFrame(rows)


def rows_beside(records: SweepRecords, other: SweepRecords) -> pd.DataFrame:
    """Return the rows of both, with a column ``settings``: in what the other sweep differs."""
    ours = records.overrides
    changed = as_typed({k: v for k, v in other.overrides.items() if ours.get(k) != v})
    added = accuracy_rows(other)
    added["architecture"] += f"; {changed}"
    parts = [accuracy_rows(records).assign(settings=""), added.assign(settings=changed)]
    return pd.concat(parts, ignore_index=True)


def readable(rows: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Return a table per model, a row per architecture, for people."""
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
            line[label] = _with_spread(row)
            if not math.isnan(row["paper"]):
                difference = formats.points(row["difference_to_paper"])
                line[f"paper's {label.split(',', maxsplit=1)[0]}"] = (
                    f"{formats.percent(row['paper'])} ({difference})"
                )
        seeds = records[0]["seeds"]
        line["seeds"] = "1 (no CI)" if seeds == 1 else seeds
        line["diverged"], line["failed"] = records[0]["diverged"], records[0]["failed"]
        lines.append(line)
    return pd.DataFrame(lines)


def _with_spread(row: dict[Hashable, Any]) -> str:
    mean = formats.percent(row["mean"])
    if math.isnan(row["sd"]):
        return mean
    low, high = formats.percent(row["ci_low"]), formats.percent(row["ci_high"])
    return f"{mean} ± {formats.percent(row['sd'])} ({low}-{high})"
