"""What the records of ``fog-flower compare`` say: tables, pictures, a page."""

import shlex
from pathlib import Path

from simulations.reports.attack_grid.grid_goals import goal_table, short_table
from simulations.reports.attack_grid.grid_pictures import (
    draw_curves,
    draw_heat_maps,
    draw_raster,
    draw_strengths,
)
from simulations.reports.attack_grid.grid_records import load_comparison
from simulations.reports.attack_grid.grid_tables import (
    accuracy_tables,
    backdoor_table,
    decision_table,
    failures,
    notes,
    worst_table,
)
from simulations.reports.attack_grid.kept_tables import write_kept
from simulations.reports.data_seen import data_seen
from simulations.reports.page import Page, Section, write_page
from simulations.reports.text_tables import write_markdown

__all__ = ["write_comparison"]


def _as_typed(folder: Path) -> str:
    """Return how a folder is named from where one stands; committed pages name no machine."""
    here = Path.cwd()
    return str(folder.relative_to(here)) if folder.is_relative_to(here) else folder.name


def write_comparison(folder: Path) -> list[tuple[str, Path]]:
    """Evaluate every record below ``folder``, and leave the report there.

    Raises
    ------
    UserError
        If there are no records.
    """
    records = load_comparison(folder)
    accuracy, decisions = accuracy_tables(records), decision_table(records)
    failed, remarks = failures(records), notes(records)
    pictures = {
        "Accuracy beside that of the honest nodes alone": draw_heat_maps(
            records, folder / "heat-map.png"
        ),
        "Accuracy per round": draw_curves(records, folder / "curves.png"),
    }
    if strengths := draw_strengths(records, folder / "strength.png"):
        pictures["Accuracy over the strength of an attack"] = strengths
    if raster := draw_raster(records, folder / "raster.png"):
        pictures["Who was accepted, round by round"] = raster
    first = {
        "What is reached": goal_table(records),
        "The attack that costs most": worst_table(records),
        "Cells below a goal": short_table(records),
    }
    tables = {heading: table for heading, table in first.items() if len(table)}
    tables |= {f"Test accuracy: {name}": table for name, table in accuracy.items()}
    if len(backdoor := backdoor_table(records)):
        tables["The backdoor"] = backdoor
    if len(decisions):
        tables["Decisions of the gate"] = decisions
    if len(failed):
        tables["Failed runs"] = failed
    title = "Strategies against attacks"
    page = Page(
        title=title,
        lead=remarks,
        sections=[Section(heading, {"": table}) for heading, table in tables.items()]
        + [Section("Pictures", pictures=pictures)],
        facts=records.facts,
        seen=f"Data: {data_seen(records.facts)[0]}.",
        command=f"fog-flower compare --report-only --out {shlex.quote(_as_typed(folder))}",
    )
    return [
        ("table", write_markdown(folder / "comparison.md", title, tables, remarks)),
        (
            "rows",
            write_kept(folder, records.runs, records.rounds, records.updates, records.facts),
        ),
        *((name, path) for name, path in pictures.items()),
        ("page", write_page(page, folder / "comparison.html")),
    ]
