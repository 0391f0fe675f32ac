"""The decisions on the updates of a cell, those of honest and of malicious fog nodes apart."""

import pandas as pd

from simulations.experiments import Cell
from simulations.reports.sweep_records import SweepRecords


def decisions_of(
    records: SweepRecords, cell: Cell, malicious: int
) -> tuple["pd.Series[bool]", "pd.Series[bool]"]:
    """Return whether each update was refused: those of honest nodes, and of the malicious ones.

    Parameters
    ----------
    records : SweepRecords
    cell : Cell
    malicious : int
        How many of the fog nodes are malicious: the last ones.
    """
    updates = records.updates[records.updates["cell"] == cell.name]
    refused = ~updates["accepted"].astype(bool)
    bad = updates["fog_node"] > updates["fog_node"].max() - malicious
    return refused[~bad], refused[bad]
