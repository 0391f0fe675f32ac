"""Table of the final W's accuracy on the fog nodes' own data, as they reported it."""

import pandas as pd

from simulations.reports import formats
from simulations.reports.statistics import summarise_accuracy
from simulations.reports.sweep_records import TEST, SweepRecords

NOTE = (
    "On its own data: accuracy of the final W on what a fog node trained on, noise included, as it "
    "told itself (section 3 of the paper); the mean over the fog nodes of a run, and the lowest."
)


def own_data_table(records: SweepRecords) -> pd.DataFrame:
    """Return a row for each cell whose runs recorded it; an empty table if none did."""
    lines = []
    for cell in records.cells:
        kept = set(records.final(cell, TEST).index)
        means, lowest = [], []
        for seed in sorted(kept):
            nodes = [one for one in records.fact(cell.name, seed).get("own_evaluation", []) if one]
            if nodes:
                shares = pd.Series([one["accuracy"] for one in nodes], dtype=float)
                means.append(float(shares.mean()))
                lowest.append(float(shares.min()))
        if means:
            lines.append(
                {
                    "cell": cell.name,
                    "on its own data, %": formats.accuracy(summarise_accuracy(means)),
                    "lowest of the fog nodes, %": formats.accuracy(summarise_accuracy(lowest)),
                    "test, %": formats.accuracy(summarise_accuracy(records.final(cell, TEST))),
                }
            )
    return pd.DataFrame(lines)
