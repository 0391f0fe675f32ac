"""Table 2 on one data set for a page, and the commands that make missing runs."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from simulations.experiments import Cell
from simulations.experiments.table2 import TABLE2
from simulations.reports import formats
from simulations.reports.statistics import summarise_accuracy
from simulations.reports.sweep_records import LOCAL, SweepRecords, load_records

NOT_RUN = "not run yet"
SEEDS = "0-2"  # seeds in the commands for missing runs


@dataclasses.dataclass(frozen=True)
class Row:
    """A sweep of Table 2 with rows of its own, one per model.

    Attributes
    ----------
    title : str
    scale : str
    typed : str
        Command line arguments besides scale and data.
    folder : str
        Folder of its records, below that of the experiment. ``DATA`` stands for the data set.
    centralized : bool
        Whether it has centralized cells.
    """

    title: str
    scale: str
    typed: str
    folder: str
    centralized: bool = True

    def place(self, results: Path, data: str) -> Path:
        """Return the folder of the records on a data set."""
        return results / TABLE2.name / self.folder.replace("DATA", data)

    def cells(self) -> list[Cell]:
        """Return the cells of the sweep."""
        return [cell for cell in TABLE2.cells if self.centralized or not cell.is_centralized]


ROWS = (
    Row("the paper's settings", "full", "", "full-DATA"),
    Row(
        "without a gate (FedAvg)",
        "full",
        "gate=off --out results/table2/full-DATA-fedavg",
        "full-DATA-fedavg",
        centralized=False,
    ),
    Row("settings of our own", "ours", "", "ours-DATA"),
)
ON_RENDERED = Row("the paper's settings, rendered digits", "full", "", "full")


def recorded(results: Path, data: str, rows: Sequence[Row] = ROWS) -> dict[str, SweepRecords]:
    """Return the records on a data set, by the title of each row that has any."""
    return {
        row.title: load_records(TABLE2, TABLE2.scale(row.scale), row.place(results, data))
        for row in rows
        if any(row.place(results, data).glob("*/seed-*/run.json"))
    }


def front_table(
    found: dict[str, SweepRecords],
    metric: str,
    *,
    printed: bool = True,
    rows: Sequence[Row] = ROWS,
) -> pd.DataFrame:
    """Return a table in percent, with a row for each model and each of ``rows``.

    Parameters
    ----------
    found : dict
        Result of ``recorded``.
    metric : str
        One of ``METRICS``.
    printed : bool
        Whether the paper's validation accuracy on SVHN stands above the rows of each model.
    rows : sequence of Row
    """
    lines = []
    for family in dict.fromkeys(cell.family for cell in TABLE2.cells):
        cells = [cell for cell in TABLE2.cells if cell.family == family]
        heads = {cell.name: cell.label.removeprefix("fog, ") for cell in cells}
        if printed:
            told = {heads[cell.name]: formats.percent(cell.printed[LOCAL]) for cell in cells}
            lines.append({"": f"{family.upper()}, printed (validation)", **told})
        for row in rows:
            told = {heads[cell.name]: formats.NONE for cell in cells}
            for cell in row.cells():
                if cell.family == family:
                    told[heads[cell.name]] = _cell(found.get(row.title), cell, metric)
            lines.append({"": f"{family.upper()}, {row.title}", **told})
    return pd.DataFrame(lines)


def _cell(records: SweepRecords | None, cell: Cell, metric: str) -> str:
    if records is None or cell.name not in {one.name for one in records.cells}:
        return NOT_RUN
    runs = records.runs[records.runs["cell"] == cell.name]
    values = summarise_accuracy(records.final(cell, metric))
    told = [formats.accuracy(values)] if values.n else []
    counts = {
        "collapsed": records.collapsed[cell.name],
        "diverged": int(runs["diverged"].sum()),
        "failed": len(runs) - values.n - records.collapsed[cell.name] - int(runs["diverged"].sum()),
    }
    told += [f"{count} of {len(runs)} {what}" for what, count in counts.items() if count]
    return ", ".join(told)


def still_to_run(found: dict[str, SweepRecords], data: str) -> list[str]:
    """Return the commands that run the cells without any record."""
    commands = []
    for row in ROWS:
        records = found.get(row.title)
        there = {cell.name for cell in records.cells} if records else set()
        missing = [cell.name for cell in row.cells() if cell.name not in there]
        if not missing:
            continue
        typed = f" {row.typed.replace('DATA', data)}" if row.typed else ""
        if len(missing) < len(TABLE2.cells):
            typed += f" --only {_shortest(missing)}"
        commands.append(
            f"fog-flower sweep table2 --scale {row.scale} --dataset {data} "
            f"--data-dir /path/to/{data} --seeds {SEEDS}{typed}"
        )
    return commands


def report_command(found: dict[str, SweepRecords], data: str) -> str:
    """Return the command that writes the report from these records."""
    others = [row for row in ROWS[1:] if row.title in found]
    beside = [f"--beside results/table2/{row.folder.replace('DATA', data)}" for row in others]
    return " ".join([f"fog-flower report table2 --scale full --dataset {data}", *beside])


def _shortest(names: Sequence[str]) -> str:
    fog = [cell.name for cell in TABLE2.cells if not cell.is_centralized]
    return "fog" if list(names) == fog else ",".join(names)
