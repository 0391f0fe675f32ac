"""Report on two variants of the same settings, compared within seeds for every model."""

import dataclasses

import pandas as pd

from simulations.reports.accuracy_table import accuracy_rows, interval_notes, readable
from simulations.reports.paired_tests import MODELS, comparison_table
from simulations.reports.part import Part
from simulations.reports.statistics import adjust, compare
from simulations.reports.sweep_records import LOCAL, TEST, SweepRecords
from simulations.reports.what_it_saw import what_it_saw

# Experiment: title of its table, and the suffixes of the names of the cells that are compared.
PAIRS = {
    "uploads": (
        "Uploads: after each epoch, or the mean of all epochs once",
        ("per-epoch", "epoch-mean"),
    ),
    "precision": ("Precision: mixed bfloat16 against float32", ("bfloat16", "float32")),
}


def pairs_part(records: SweepRecords, margin: float) -> Part:
    """Return the accuracy of both variants, and their comparison within seeds.

    Parameters
    ----------
    records : SweepRecords
        Records of an experiment in ``PAIRS``.
    margin : float
        Margin of equivalence, as a fraction.
    """
    title, (one, other) = PAIRS[records.experiment.name]
    rows = accuracy_rows(records)
    names = {cell.name for cell in records.cells}
    tables: dict[str, pd.DataFrame] = dict(readable(rows))
    for metric, label in ((TEST, "test images"), (LOCAL, "the paper's validation")):
        pairs = [(f"{model}-{one}", f"{model}-{other}") for model in MODELS]
        compared = [
            compare(a, b, records.final(a, metric), records.final(b, metric), margin)
            for a, b in pairs
            if {a, b} <= names
        ]
        ps, equivalent = (adjust([getattr(c, p) for c in compared]) for p in ("p", "p_equivalent"))
        compared = [
            dataclasses.replace(c, p_adjusted=p, p_equivalent_adjusted=q)
            for c, p, q in zip(compared, ps, equivalent, strict=True)
        ]
        heading = f"Compared within seeds, {label} (margin {100 * margin:g} points)"
        tables[heading] = comparison_table(compared)
    return Part(title, tables, [*what_it_saw(records), *interval_notes(rows)], rows)
