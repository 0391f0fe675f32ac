"""A part of an experiment's report: a file of tables and notes, with its rows and its picture."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pandas as pd

from simulations.reports.ledger_block import LedgerBlock
from simulations.reports.text_tables import write_markdown, write_rows

Files = list[tuple[str, Path]]


@dataclasses.dataclass(frozen=True)
class Part:
    """One of a report's files; of most experiments the only one.

    Attributes
    ----------
    title : str
        Title of the file.
    tables : mapping
        By heading.
    rows : DataFrame, optional
        Rows in full precision, for a csv beside the file.
    draw : callable, optional
        Draws the picture beside the file to a path, and returns the path.
    label : str
        Name of the file in the command's output; empty for the only part of a report.
    suffix : str
        Suffix of the file name.
    heading : str
        Heading of the section on a page of all parts; empty for the title.
    """

    title: str
    tables: Mapping[str, pd.DataFrame]
    notes: Sequence[str]
    rows: pd.DataFrame | None = None
    draw: Callable[[Path], Path] | None = None
    label: str = ""
    suffix: str = ""
    heading: str = ""

    def write(
        self,
        results: Path,
        stem: str,
        seen: Sequence[str] = (),
        ledger: LedgerBlock | None = None,
    ) -> Files:
        """Write the file, with the notes ``seen`` before its own, the csv, and the picture.

        Parameters
        ----------
        results : Path
            Folder for ``tables`` and ``figures``.
        stem : str
            Prefix of the file names.
        seen : sequence of str
        ledger : LedgerBlock, optional
            Written below the notes.
        """
        name = stem + self.suffix
        page = results / "tables" / f"{name}.md"
        write_markdown(page, self.title, self.tables, [*seen, *self.notes], ledger=ledger)
        files = [(self.label or "table", page)]
        if self.rows is not None:
            rows = write_rows(page.with_suffix(".csv"), self.rows)
            files.append((f"{self.label}, rows" if self.label else "rows", rows))
        if self.draw:
            files.append(("picture", self.draw(results / "figures" / f"{name}.png")))
        return files
