"""Self-contained HTML pages, which open from disk and without network."""

import base64
import dataclasses
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import pandas as pd

from fog_flower.records.files import write_text
from simulations.reports.ledger_block import HEADING, LedgerBlock


@dataclasses.dataclass(frozen=True)
class Section:
    """A titled section: tables by heading, pictures (PNG) by caption, notes, a warning in red."""

    title: str
    tables: Mapping[str, pd.DataFrame] = dataclasses.field(default_factory=dict)
    pictures: Mapping[str, Path] = dataclasses.field(default_factory=dict)
    notes: Sequence[str] = ()
    warning: str = ""


@dataclasses.dataclass(frozen=True)
class Page:
    """Content of a page, from the main result to how it was made.

    Attributes
    ----------
    finding : str
        The main result in one sentence, with its figures and their data.
    table : DataFrame
        The figures of the sentence, and few more.
    pictures : mapping
        The one picture of the main result, by caption; empty if there is none.
    sections : sequence of Section
        Everything else.
    made : sequence of str
        How the figures were made: data, scale, seeds, what is missing.
    facts : sequence of mapping
        The ``run.json`` of all runs.
    commands : sequence of str
        Commands that make the runs.
    seen : str
        The data of the runs, shown below each picture.
    report : str
        Command that makes the page from the records; empty if ``commands`` do.
    """

    title: str
    finding: str
    table: pd.DataFrame
    pictures: Mapping[str, Path]
    sections: Sequence[Section]
    made: Sequence[str]
    facts: Sequence[Mapping[str, Any]]
    commands: Sequence[str]
    seen: str
    report: str = ""


def ledger_section(ledger: LedgerBlock) -> Section:
    """Return the section of a page on its runs' privacy ledgers."""
    tables = {"": ledger.table} if len(ledger.table) else {}
    return Section(HEADING, tables, notes=ledger.notes, warning=ledger.warning)


def write_page(page: Page, path: Path) -> Path:
    """Write the page to ``path``."""
    template = templates().get_template("page.html.j2")
    path.parent.mkdir(parents=True, exist_ok=True)
    write_text(path, template.render(page=page, origins=_origins(page.facts)))
    return path


def templates() -> jinja2.Environment:
    """Return the Jinja environment of all pages, which escapes everything that it inserts."""
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("simulations.reports", "templates"),
        autoescape=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["picture"] = _as_data
    environment.filters["split_bold"] = _split_bold
    return environment


def svg_as_data(content: bytes) -> str:
    """Return an SVG as a ``data:`` URL."""
    return f"data:image/svg+xml;base64,{base64.b64encode(content).decode()}"


def _as_data(path: Path) -> str:
    return svg_as_data(path.with_suffix(".svg").read_bytes())


def _split_bold(text: object) -> tuple[str, str]:
    """Split ``**verdict**: reason``, as in the Markdown tables, into verdict and the rest."""
    before, marker, rest = str(text).removeprefix("**").partition("**")
    return (before, rest) if marker else ("", str(text))


def _origins(facts: Sequence[Mapping[str, Any]]) -> dict[str, str]:
    """Return the distinct code versions, hardware and library versions of the runs."""

    def distinct(*keys: str) -> str:
        found = set()
        for fact in facts:
            value: Any = fact
            for key in keys:
                value = value.get(key, {}) if isinstance(value, Mapping) else {}
            if value not in ({}, None, ""):
                found.add(str(value))
        return ", ".join(sorted(found)) or "not recorded"

    return {
        "commit": distinct("git_commit"),
        "code": distinct("code_identity"),
        "processor": distinct("hardware", "processor"),
        "cores": distinct("hardware", "cores"),
        "Python": distinct("versions", "python"),
        "Flower": distinct("versions", "flwr"),
        "TensorFlow": distinct("versions", "tensorflow"),
        "Keras": distinct("versions", "keras"),
    }
