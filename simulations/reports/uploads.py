"""Uploading after each epoch against uploading the mean of all epochs once."""

import dataclasses
from pathlib import Path

import pandas as pd

from simulations.reports.accuracy_table import accuracy_rows, readable
from simulations.reports.comparisons import MODELS, comparison_table
from simulations.reports.records import LOCAL, TEST, SweepRecords
from simulations.reports.statistics import adjust, compare
from simulations.reports.writing import what_it_saw, write_rows, write_table


def write_uploads(
    records: SweepRecords, results: Path, stem: str, margin: float
) -> list[tuple[str, Path]]:
    """Write accuracy of both readings, and their comparison within seeds."""
    rows = accuracy_rows(records)
    names = {cell.name for cell in records.cells}
    sections: dict[str, pd.DataFrame] = dict(readable(rows))
    for metric, label in ((TEST, "test images"), (LOCAL, "the paper's validation")):
        compared = [
            compare(
                f"{m}-per-epoch",
                f"{m}-epoch-mean",
                records.final(f"{m}-per-epoch", metric),
                records.final(f"{m}-epoch-mean", metric),
                margin,
            )
            for m in MODELS
            if {f"{m}-per-epoch", f"{m}-epoch-mean"} <= names
        ]
        ps, equivalent = (adjust([getattr(c, p) for c in compared]) for p in ("p", "p_equivalent"))
        compared = [
            dataclasses.replace(c, p_adjusted=p, p_equivalent_adjusted=q)
            for c, p, q in zip(compared, ps, equivalent, strict=True)
        ]
        sections[f"Compared within seeds, {label}"] = comparison_table(compared)
    title = "Uploads: after each epoch, or the mean of all epochs once"
    return [
        ("table", write_table(results, stem, title, sections, what_it_saw(records))),
        ("rows", write_rows(results, stem, rows)),
    ]
