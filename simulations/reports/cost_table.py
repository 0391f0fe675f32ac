"""Cost of a sweep in time and memory, from its records."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd

from simulations.reports.formats import machine
from simulations.reports.sweep_records import SweepRecords
from simulations.reports.time_shares import PARTS, shares

GATE = "of it the gate"
_AFTER = PARTS.index("validation") + 1
COLUMNS = (*PARTS[:_AFTER], GATE, *PARTS[_AFTER:])
NOTE = (
    "Medians over the finished runs of a cell. Images/s are training images over the time from "
    "sending W to having all updates. Validation is the gate, the local models and the merged "
    "model on the validation images; the test images are only measured. Memory is the highest of "
    "all runs of the cell, a sum over all processes, looked at every 5 s."
)


def cost_table(records: SweepRecords) -> pd.DataFrame:
    """Return a row for every cell with finished runs, and one for the total."""
    rows = []
    for cell, finished in records.finished.items():
        runs = pd.DataFrame(_run_costs(records, cell, int(seed)) for seed in finished["seed"])
        medians = runs.median()
        rows.append(
            {
                "cell": cell,
                "runs": str(len(runs)),
                "hours a run": f"{finished['seconds'].median() / 3600:.2f}",
                "images/s": f"{medians['speed']:,.0f}",
                **{name: _share(medians[name]) for name in COLUMNS},
                "highest memory, GiB": _or_dash(runs["memory"].max()),
            }
        )
    seconds = [float(runs["seconds"].sum()) for runs in records.finished.values()]
    count = sum(map(len, records.finished.values()))
    rows.append(
        {"cell": "all", "runs": str(count), "hours a run": f"{sum(seconds) / 3600:.2f} in all"}
    )
    return pd.DataFrame(rows).fillna("")


def _run_costs(records: SweepRecords, cell: str, seed: int) -> dict[str, float]:
    rows = records.rounds_of(cell, seed)
    fact = records.fact(cell, seed)
    texts = (
        {str(name): str(value) for name, value in row.items()} for row in rows.to_dict("records")
    )
    spent = shares(texts, fact["data"])
    found = {name: getattr(spent, name) if spent else math.nan for name in PARTS}
    found[GATE] = math.nan
    if "gate_seconds" in rows and rows["round_seconds"].sum() > 0.0:
        found[GATE] = float(rows["gate_seconds"].sum() / rows["round_seconds"].sum())
    images = int((rows["round"] > 0).sum()) * float(fact["data"]["train_examples"])
    memory = float(fact.get("peak_memory_gib", math.nan))
    return {**found, "speed": images / records.training_seconds(cell, seed), "memory": memory}


def _share(value: float) -> str:
    return f"{100 * value:.1f}%" if math.isfinite(value) else "not recorded"


def _or_dash(value: float) -> str:
    return f"{value:.2f}" if math.isfinite(value) else "not recorded"


def machines(facts: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the machines on which runs were made, without duplicates."""
    known = (fact["hardware"] for fact in facts if "hardware" in fact)
    named = (f"{machine(h)}, {h['memory_gib']} GiB" for h in known)
    return list(dict.fromkeys(named))
