"""Notes below each table on its data, scale, seeds and code, and on what is missing."""

import pandas as pd

from fog_flower.config import FLOAT32
from fog_flower.records.reading import computed_in
from fog_flower.records.recorder import FINISHED
from simulations.reports.formats import computing, percent, seeds
from simulations.reports.sweep_records import SweepRecords
from simulations.visible import counted


def what_it_saw(records: SweepRecords) -> list[str]:
    """Return notes on the data, scale, seeds and code of the figures, and on what is missing."""
    runs, codes = records.runs, {str(fact.get("code_identity")) for fact in records.facts}
    spent = computing(float(runs["seconds"].sum()))
    lines = [
        f"Data: {records.data}.",
        f"Scale: {records.scale.told(records.overrides)}.",
        f"Runs: {len(runs)}, of seeds {seeds(records.seeds)}; {spent} of computing.",
        *_precisions(records),
    ]
    lines += [*_drawn_differently(records), *_collapsed(records)]
    bad = int((~runs["usable"]).sum())
    if bad:
        lines.append(
            f"{counted(int(runs['diverged'].sum()), 'run')} diverged and "
            f"{int((runs['status'] != FINISHED).sum())} failed: they are counted, and left out "
            "of means and tests."
        )
    if lost := len(records.collapses):
        lines.append(
            f"{counted(lost, 'run')} collapsed: they are counted, and left out of means and tests."
        )
    counts, cells = runs.groupby("cell")["seed"].nunique(), records.experiment.cells
    if counts.min() < counts.max() or len(counts) < len(cells):
        lines.append(
            "Not complete; seeds of each cell: "
            + ", ".join(f"{cell.name} {counts.get(cell.name, 0)}" for cell in cells)
            + "."
        )
    if len(codes) > 1:
        lines.append(f"Made with {len(codes)} versions of the code: {', '.join(sorted(codes))}.")
    return lines


def _precisions(records: SweepRecords) -> list[str]:
    """Return notes on cells that were not computed in float32, with their seeds if not all."""
    runs = records.runs.assign(precision=[computed_in(fact) for fact in records.facts])
    others = dict.fromkeys(name for name in runs["precision"] if name != FLOAT32)
    return [f"Computed in {name}: {', '.join(_cells_in(name, records, runs))}." for name in others]


def _cells_in(precision: str, records: SweepRecords, runs: pd.DataFrame) -> list[str]:
    named = []
    for cell in records.cells:
        of_cell = runs[runs["cell"] == cell.name]
        seeds = sorted(of_cell.loc[of_cell["precision"] == precision, "seed"])
        if len(seeds) == len(of_cell):
            named.append(cell.name)
        elif seeds:
            named.append(f"{cell.name} (only seed {', '.join(map(str, seeds))})")
    return named


def _drawn_differently(records: SweepRecords) -> list[str]:
    """Return notes on images that should be equal but differ.

    The results of OpenCV depend on the processor.
    """
    found: dict[str, set[str]] = {}
    for fact in records.facts:
        if "data" in fact:
            found.setdefault(fact["data"]["name"], set()).add(fact["data"]["sha256"])
    return [
        f"The images of {name} were drawn on {len(prints)} kinds of processors and are not the "
        "same to the last bit (docs/limitations.md)."
        for name, prints in found.items()
        if len(prints) > 1
    ]


def _collapsed(records: SweepRecords) -> list[str]:
    return [
        f"Collapsed: {run.cell}, seed {run.seed}: test accuracy {percent(run.last)}% after the "
        f"last round, {percent(run.best)}% after round {run.best_round}."
        for run in records.collapses
    ]
