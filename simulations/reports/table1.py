"""Table 1: the number of images that arrived at each tier, from the records."""

import itertools

import pandas as pd

from simulations.reports.part import Part
from simulations.reports.sweep_records import SweepRecords
from simulations.reports.what_it_saw import what_it_saw


def table1_part(records: SweepRecords) -> Part:
    """Return how many images fog nodes and end nodes have, and what the paper printed."""
    rows = []
    for fact in records.facts:
        if "nodes" not in fact:
            continue
        nodes = fact["config"]["fog-nodes"]
        printed = next(c.printed for c in records.cells if c.settings["fog-nodes"] == nodes)
        fog = fact["nodes"]["num_examples"]
        end = list(itertools.chain(*fact["nodes"]["end_node_examples"]))
        rows.append(
            {
                "fog_nodes": nodes,
                "end_nodes": len(end),
                "seed": fact["seed"],
                "training_images": sum(fog),
                "images_per_fog_node": _range(fog),
                "paper_per_fog_node": _printed(printed.get("images_per_fog_node")),
                "images_per_end_node": _range(end),
                "paper_per_end_node": _printed(printed.get("images_per_end_node")),
            }
        )
    table = pd.DataFrame(rows)
    shown = table.drop(columns="seed").drop_duplicates() if len(table) else table
    notes = [
        *what_it_saw(records),
        "The paper rounds to hundreds, so that its sizes do not add up (6 x 3,900 > 23,300); its "
        "sizes for 5 and 7 fog nodes are not known to us.",
    ]
    return Part("Table 1: images per node", {"": shown}, notes, table, label="Table 1")


def _range(counts: list[int]) -> str:
    low, high = min(counts), max(counts)
    return f"{low:,}" if low == high else f"{low:,} to {high:,}"


def _printed(value: float | None) -> str:
    return "not known" if value is None else f"{value:,.0f}"
