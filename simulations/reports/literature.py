"""The systems that the paper compares itself with: printed accuracy and our own."""

from pathlib import Path
from typing import Any

import pandas as pd

from simulations.experiments import Cell
from simulations.experiments.literature import DENSE, METHODS
from simulations.reports import formats
from simulations.reports.statistics import Summary, summarise_accuracy
from simulations.reports.sweep_records import TEST, SweepRecords
from simulations.reports.text_tables import write_rows, write_table
from simulations.reports.what_it_saw import what_it_saw


def write_literature(
    records: SweepRecords,
    results: Path,
    stem: str,
    margin: float,  # noqa: ARG001  (all writers have this signature)
) -> list[tuple[str, Path]]:
    """Write a row for each system and number of fog nodes, and how we interpreted each system.

    Parameters
    ----------
    records : SweepRecords
    results : Path
    stem : str
        Prefix of the file names.
    margin : float
        Not used: the printed figures are for other data, models and numbers of nodes.
    """
    found = {cell.name: summarise_accuracy(records.final(cell, TEST)) for cell in records.cells}
    rows = pd.DataFrame([_row(records, cell, found[cell.name]) for cell in records.cells])
    table = pd.DataFrame(
        {
            "system": row["system"],
            "fog nodes": row["fog_nodes"],
            "printed, %": formats.percent(row["printed"]),
            "ours, %": formats.accuracy(found[row["cell"]]),
            "bytes of a round beside dense": f"{row['bytes_share']:.4f}",
            "runs": row["seeds"],
            "collapsed": row["collapsed"],
        }
        for row in rows.to_dict("records")
    )
    readings = [f"{one.label}: {one.reading}." for one in METHODS.values() if one.reading]
    files = write_table(
        results,
        stem,
        "Systems that the paper compares itself with",
        {"Test accuracy, and bytes that fog nodes send": table},
        [*readings, *what_it_saw(records)],
    )
    return [("table", files), ("rows", write_rows(results, stem, rows))]


def _row(records: SweepRecords, cell: Cell, summary: Summary) -> dict[str, Any]:
    name, _, nodes = cell.name.rpartition("-fog-")
    data = records.data.partition("-")[0].partition(" ")[0]
    return {
        "cell": cell.name,
        "system": METHODS[name].label,
        "fog_nodes": int(nodes),
        "printed": METHODS[name].printed.get(data, float("nan")),
        "test": summary.mean,
        "sd": summary.sd,
        "low": summary.low,
        "high": summary.high,
        "seeds": summary.n,
        "collapsed": records.collapsed[cell.name],
        "bytes_share": _bytes(records, cell.name) / _bytes(records, f"{DENSE}-fog-{nodes}"),
        "model": cell.family,
    }


def _bytes(records: SweepRecords, cell: str) -> float:
    """Return the mean bytes that a fog node sends in a round; NaN if nothing is recorded."""
    if not len(records.updates):
        return float("nan")
    return float(records.updates.loc[records.updates["cell"] == cell, "bytes_up"].mean())
