"""Writing of tables to files, as Markdown for people and csv for programs."""

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from fog_flower.records.files import write_text
from simulations.reports.formats import NONE
from simulations.reports.ledger_block import HEADING, LedgerBlock
from simulations.visible import visible

_TAG = re.compile(r"<(?=[A-Za-z/!?])")


def write_markdown(
    path: Path,
    title: str,
    sections: Mapping[str, pd.DataFrame],
    notes: Sequence[str],
    finding: str = "",
    ledger: LedgerBlock | None = None,
) -> Path:
    """Write a Markdown page: the finding, a section for each table, the notes, and the ledger."""
    parts = [f"# {_plain(title)}", *([_plain(finding)] if finding else [])]
    for heading, table in sections.items():
        if heading:
            parts.append(f"## {_plain(heading)}")
        parts.append(as_markdown(table) if len(table) else "(no records)")
    parts += map(_plain, notes)
    if ledger and len(ledger.table):
        parts += [f"## {HEADING}", *([f"**{ledger.warning}**"] if ledger.warning else [])]
        parts.append(as_markdown(ledger.table))
    parts += map(_plain, ledger.notes if ledger else ())
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, "\n\n".join(parts) + "\n")
    return path


def write_rows(path: Path, rows: pd.DataFrame) -> Path:
    """Write a csv in full precision."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, rows.to_csv(index=False, lineterminator="\n"))
    return path


def without_empty(table: pd.DataFrame) -> pd.DataFrame:
    """Return a table without the columns in which no row has a figure."""
    return table.loc[:, (table != NONE).any()] if len(table) else table


def as_markdown(table: pd.DataFrame) -> str:
    """Return a table as Markdown."""
    cells = table.rename(columns=_cell).map(_cell)
    return str(cells.to_markdown(index=False, disable_numparse=True))


def _cell(value: object) -> str:
    return _plain(value).replace("|", r"\|")


def _plain(value: object) -> str:
    """Return text without line breaks and HTML tags, because names may come from users."""
    return _TAG.sub("&lt;", visible(str(value)))
