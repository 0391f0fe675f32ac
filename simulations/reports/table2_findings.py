"""Main result of Table 2, as one sentence and a small table at the top of its page."""

from typing import Any

import pandas as pd

from simulations.reports import formats
from simulations.reports.sweep_records import LOCAL, TEST, SweepRecords


def table2_finding(records: SweepRecords, rows: pd.DataFrame) -> str:
    """Return a sentence with the test accuracy of every architecture, by model.

    Parameters
    ----------
    records : SweepRecords
    rows : DataFrame
        Result of ``accuracy_rows`` or ``rows_beside``.
    """
    tests = _own(rows)
    tests = tests[tests["metric"] == TEST]
    clauses = [
        f"{str(model).upper()} "
        + ", ".join(
            f"{row['architecture']}: {formats.in_percent(row['mean'])}" for row in _dicts(part)
        )
        for model, part in tests.groupby("model", sort=False)
    ]
    of = "of one seed" if tests["seeds"].max() <= 1 else "mean over seeds"
    return f"Test accuracy on {records.data}, {of}: {'; '.join(clauses)}."


def table2_in_short(rows: pd.DataFrame) -> pd.DataFrame:
    """Return a row per architecture: each model's test accuracy, and the paper's validation."""
    lines: dict[str, dict[str, str]] = {}
    for row in _dicts(_own(rows)):
        line = lines.setdefault(str(row["architecture"]), {})
        model = str(row["model"]).upper()
        if row["metric"] == TEST:
            line[f"{model}, test images, %"] = formats.percent(row["mean"])
        elif row["metric"] == LOCAL:
            line[f"{model}, the paper's validation on SVHN, %"] = formats.percent(row["paper"])
    table = pd.DataFrame([{"architecture": name, **line} for name, line in lines.items()])
    return table.fillna(formats.NONE)


def _own(rows: pd.DataFrame) -> pd.DataFrame:
    """Return the rows of the sweep itself, without those of sweeps beside it."""
    return rows[rows["settings"] == ""] if "settings" in rows else rows


def _dicts(rows: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(key): value for key, value in row.items()} for row in rows.to_dict("records")]
