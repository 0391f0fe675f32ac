"""The decisions on the updates of a cell, those of honest and of malicious fog nodes apart."""

import pandas as pd

from simulations.experiments import Cell
from simulations.reports.sweep_records import SweepRecords

LOST = ("failed:", "missing or late")  # how the reasons begin if no update arrived


def lost(updates: pd.DataFrame) -> "pd.Series[bool]":
    """Return which updates never arrived, so that no gate has decided about them."""
    return updates["reason"].astype(str).str.startswith(LOST)


def decisions_of(
    records: SweepRecords, cell: Cell, malicious: int
) -> tuple["pd.Series[bool]", "pd.Series[bool]"]:
    """Return whether each update that arrived was refused: of honest nodes, and of malicious ones.

    Parameters
    ----------
    records : SweepRecords
    cell : Cell
    malicious : int
        How many of the fog nodes are malicious: the last ones.
    """
    updates = records.updates[records.updates["cell"] == cell.name]
    bad = updates["fog_node"] > updates["fog_node"].max() - malicious
    arrived = ~lost(updates)
    refused, bad = ~updates["accepted"].astype(bool)[arrived], bad[arrived]
    return refused[~bad], refused[bad]
