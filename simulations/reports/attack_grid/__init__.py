"""Report of ``fog-flower compare``: tables, pictures and a page."""

import functools
import shlex
from collections.abc import Callable
from pathlib import Path

import pandas as pd

from simulations.experiments.attack_grid import HONEST
from simulations.reports.attack_grid.commands import compare_commands
from simulations.reports.attack_grid.grid_findings import comparison_finding, decisions_in_short
from simulations.reports.attack_grid.grid_goals import goal_table, measured_cells, short_table
from simulations.reports.attack_grid.grid_pictures import (
    draw_curves,
    draw_heat_maps,
    draw_rasters,
    draw_strengths,
)
from simulations.reports.attack_grid.grid_records import ComparisonRecords, load_comparison
from simulations.reports.attack_grid.grid_tables import (
    GOALS_EXPLAINED,
    WORST,
    WORST_OF_CLASS,
    accuracy_tables,
    backdoor_table,
    decision_table,
    failures,
    lost_updates,
    notes,
    worst_class_table,
    worst_table,
)
from simulations.reports.attack_grid.kept_tables import write_kept
from simulations.reports.data_seen import data_seen
from simulations.reports.ledger_block import ledger_block
from simulations.reports.page import Page, Section, ledger_section, write_page
from simulations.reports.text_tables import write_markdown

__all__ = ["ACCURACY", "tables_of", "write_comparison"]

HEAT_MAPS = "Test accuracy", "Accuracy beside that of the honest nodes alone"
KEPT = "runs that are only in the kept tables"
GOALS = "What is reached"
ACCURACY = "Test accuracy: "  # prefix of the heading of a federation's table


def _as_typed(folder: Path) -> str:
    """Return a folder's path, relative to the working directory if it is below it."""
    here = Path.cwd()
    return str(folder.relative_to(here) if folder.is_relative_to(here) else folder)


def _every(_heading: str) -> bool:
    return True


def tables_of(
    records: ComparisonRecords, wanted: Callable[[str], bool] = _every
) -> dict[str, pd.DataFrame]:
    """Return the tables of a report by heading, without empty ones.

    Parameters
    ----------
    records : ComparisonRecords
    wanted : callable, optional
        Takes a heading; ``ACCURACY`` stands for those of all federations. Tables that are not
        wanted are not made, which saves seconds for large comparisons.
    """
    cells = functools.cache(lambda: measured_cells(records))
    makers: dict[str, Callable[[], pd.DataFrame]] = {
        GOALS: lambda: goal_table(cells(), records),
        WORST: lambda: worst_table(records),
        WORST_OF_CLASS: lambda: worst_class_table(records),
        "Cells below a goal": lambda: short_table(cells()),
        ACCURACY: pd.DataFrame,
        "The backdoor": lambda: backdoor_table(records),
        "Decisions of the gate": lambda: decision_table(records),
        "Updates that never arrived": lambda: lost_updates(records),
        "Failed runs": lambda: failures(records),
    }
    tables: dict[str, pd.DataFrame] = {}
    for heading, make in makers.items():
        if not wanted(heading):
            continue
        if heading == ACCURACY:
            found = accuracy_tables(records)
            tables |= {f"{ACCURACY}{federation}": table for federation, table in found.items()}
        else:
            tables[heading] = make()
    return {heading: table for heading, table in tables.items() if len(table)}


def write_comparison(
    folder: Path, records: ComparisonRecords | None = None
) -> list[tuple[str, Path]]:
    """Evaluate every record below ``folder``, and write the report there.

    Parameters
    ----------
    folder : Path
    records : ComparisonRecords, optional
        Those of ``folder``, if they are loaded already.

    Returns
    -------
    list of tuple of str, Path
        Name and path of each file.

    Raises
    ------
    UserError
        If there are no records.
    """
    records = records or load_comparison(folder)
    heat_map = draw_heat_maps(records, folder / "heat-map.png")
    titled = HEAT_MAPS[bool((records.finished["strategy"] == HONEST).any())]
    pictures = {"Accuracy per round": draw_curves(records, folder / "curves.png")}
    if strengths := draw_strengths(records, folder / "strength.png"):
        pictures["Accuracy over the strength of an attack"] = strengths
    for gate, raster in draw_rasters(records, folder / "raster.png").items():
        pictures[f"Who was accepted by {gate}, round by round"] = raster
    tables, remarks = tables_of(records), notes(records)
    title = "Strategies against attacks"
    ledger = ledger_block(records.places, KEPT if records.kept else "")
    page = Page(
        title=title,
        finding=comparison_finding(records),
        table=decisions_in_short(records),
        pictures={titled: heat_map},
        sections=[
            Section(heading, {"": table}, notes=GOALS_EXPLAINED if heading == GOALS else ())
            for heading, table in tables.items()
        ]
        + [Section("More pictures", pictures=pictures), ledger_section(ledger)],
        made=[line for line in remarks if line not in GOALS_EXPLAINED],
        facts=records.facts,
        seen=f"Data: {data_seen(records.facts)[0]}.",
        commands=compare_commands(records, Path(_as_typed(folder))),
        report=f"fog-flower compare --report-only --out {shlex.quote(_as_typed(folder))}",
    )
    return [
        (
            "table",
            write_markdown(folder / "comparison.md", title, tables, remarks, ledger=ledger),
        ),
        (
            "rows",
            write_kept(folder, records.runs, records.rounds, records.updates, records.facts),
        ),
        (titled, heat_map),
        *((name, path) for name, path in pictures.items()),
        ("page", write_page(page, folder / "comparison.html")),
    ]
