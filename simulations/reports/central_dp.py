"""Report on central differential privacy: cost of noise in the cloud, with and without a gate."""

import itertools
import math
from typing import Any

import pandas as pd

from simulations.experiments import Cell
from simulations.reports import formats
from simulations.reports.decisions import decisions_of
from simulations.reports.ledger_rows import promise_of
from simulations.reports.part import Part
from simulations.reports.sweep_records import TEST, SweepRecords
from simulations.reports.what_it_saw import what_it_saw

RELEASE = "W of all rounds"


def central_dp_part(records: SweepRecords) -> Part:
    """Return a row for each cell: accuracy, refused updates, and the ledger's promise for W."""
    rows = pd.DataFrame([_row(records, cell) for cell in records.cells])
    return Part(
        title=f"Central differential privacy: {records.experiment.varies}",
        tables={"": pd.DataFrame([_told(row) for row in rows.to_dict("records")])},
        notes=what_it_saw(records),
        rows=rows,
    )


def _row(records: SweepRecords, cell: Cell) -> dict[str, Any]:
    final = records.final(cell, TEST)
    honest, malicious = decisions_of(records, cell, int(str(cell.settings["malicious-nodes"])))
    of_cell = records.runs["cell"] == cell.name
    promised, seeded = promise_of(itertools.compress(records.places, of_cell), RELEASE)
    return {
        "cell": cell.name,
        "merge": cell.label,
        "test": final.mean(),
        "each": " ".join(f"{one:.4f}" for one in final),
        "seeds": len(final),
        "honest": len(honest),
        "honest_refused": int(honest.sum()),
        "malicious": len(malicious),
        "malicious_refused": int(malicious.sum()),
        "promised": math.inf if math.isnan(promised) else promised,
        "seeded": seeded,
    }


def _told(row: dict[Any, Any]) -> dict[str, str]:
    each = ", ".join(formats.percent(float(one)) for one in row["each"].split())
    promised = "nothing" if math.isinf(row["promised"]) else f"{row['promised']:.2f}"
    promised += ", seeded" if row["seeded"] else ""
    malicious = f"{row['malicious_refused']} of {row['malicious']}" if row["malicious"] else "-"
    return {
        "": row["merge"],
        "test accuracy, %, mean (each seed)": f"{formats.percent(row['test'])} ({each})",
        "honest updates refused": f"{row['honest_refused']} of {row['honest']}",
        "malicious updates refused": malicious,
        "epsilon of W": promised,
    }
