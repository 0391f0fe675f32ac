"""The systems that the paper compares itself with: printed accuracy and our own."""

from collections.abc import Mapping
from typing import Any

import pandas as pd

from simulations.experiments import Cell
from simulations.experiments.literature import DENSE, METHODS, NODES
from simulations.reports import formats
from simulations.reports.part import Part
from simulations.reports.statistics import Comparison, compare, summarise_accuracy
from simulations.reports.sweep_records import TEST, SweepRecords
from simulations.reports.what_it_saw import what_it_saw

HOLDS, FAILS, OPEN = "holds", "does not hold", "cannot be told"


def literature_part(records: SweepRecords, margin: float) -> Part:
    """Return a row for each system and number of fog nodes, what is said of them, and our readings.

    Parameters
    ----------
    records : SweepRecords
    margin : float
        The accuracy that a system may lose and still keep it, as a fraction. Printed figures are
        not tested against ours: they are for other data, models and numbers of nodes.
    """
    cells = [cell for cell in records.cells if len(records.final(cell, TEST))]
    every = records.experiment.cells
    beside = {cell.name: _beside_dense(records, cell.name, margin) for cell in every}
    rows = pd.DataFrame([_row(records, cell, beside[cell.name]) for cell in cells])
    table = pd.DataFrame(
        {
            "system": row["system"],
            "fog nodes": row["fog_nodes"],
            "printed, %": formats.percent(row["printed"]),
            "ours, %": formats.accuracy(summarise_accuracy(records.final(row["cell"], TEST))),
            "less the same without it": _difference(beside[row["cell"]]),
            "bytes that a fog node sends, beside all of dW": f"{row['bytes_share']:.4f}",
            "runs": row["seeds"],
            "collapsed": row["collapsed"],
        }
        for row in rows.to_dict("records")
    )
    readings = [f"{one.label}: {one.reading}." for one in METHODS.values() if one.reading]
    return Part(
        title="Systems that the paper compares itself with",
        tables={
            "Test accuracy, and bytes": table,
            "What is said of them": _verdicts(beside, margin),
        },
        notes=[
            f'"holds": the whole 95% interval of the difference is above {formats.points(-margin)} '
            "for every number of fog nodes; fewer than 3 seeds have no interval.",
            *readings,
            *what_it_saw(records),
        ],
        rows=rows,
    )


def _verdicts(beside: Mapping[str, Comparison], margin: float) -> pd.DataFrame:
    """Return a row for each claim that a system keeps the accuracy, with our verdict."""
    lines = []
    for name, method in METHODS.items():
        if not method.claim:
            continue
        found = [beside[f"{name}-fog-{nodes}"] for nodes in NODES]
        line = {"claim": method.claim, "verdict": _verdict(found, margin)}
        line |= {f"{n} nodes": _difference(one) for n, one in zip(NODES, found, strict=True)}
        lines.append(line)
    return pd.DataFrame(lines)


def _verdict(found: list[Comparison], margin: float) -> str:
    if all(one.low >= -margin for one in found):
        return HOLDS
    return FAILS if all(one.high < -margin for one in found) else OPEN


def _difference(found: Comparison) -> str:
    if not found.n:
        return formats.NONE
    return f"{formats.points(found.difference)} ({formats.interval(found.low, found.high)})"


def _beside_dense(records: SweepRecords, cell: str, margin: float) -> Comparison:
    """Compare a system with the same model without it, by seed; nothing if it is that model."""
    name, _, nodes = cell.rpartition("-fog-")
    dense = f"{DENSE[METHODS[name].family]}-fog-{nodes}"
    ours = records.final(cell, TEST)
    theirs = records.final(dense, TEST)
    return compare(cell, dense, ours, theirs if dense != cell else theirs[:0], margin)


def _row(records: SweepRecords, cell: Cell, beside: Comparison) -> dict[str, Any]:
    name, _, nodes = cell.name.rpartition("-fog-")
    summary = summarise_accuracy(records.final(cell, TEST))
    data = records.data.partition("-")[0].partition(" ")[0]
    dense = f"{DENSE[cell.family]}-fog-{nodes}"
    return {
        "cell": cell.name,
        "system": METHODS[name].label,
        "fog_nodes": int(nodes),
        "printed": METHODS[name].printed.get(data, float("nan")),
        **summary.columns("test"),
        "seeds": summary.n,
        "collapsed": records.collapsed[cell.name],
        "less_dense": beside.difference,
        "less_dense_low": beside.low,
        "less_dense_high": beside.high,
        "bytes_share": _bytes(records, cell.name) / _bytes(records, dense),
        "model": cell.family,
    }


def _bytes(records: SweepRecords, cell: str) -> float:
    """Return the mean bytes that a fog node sends in a round; NaN if nothing is recorded."""
    return float(records.updates.loc[records.updates["cell"] == cell, "bytes_up"].mean())
