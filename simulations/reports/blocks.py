"""Blocks about the paper's experiments for README and docs, made from the committed records."""

import json
import re
from pathlib import Path
from typing import Any

import pandas as pd

from fog_flower.records.reading import read_run
from simulations.reports.formats import NONE, percent
from simulations.reports.front_table import (
    NOT_RUN,
    ON_RENDERED,
    ROWS,
    front_table,
    recorded,
    report_command,
    still_to_run,
)
from simulations.reports.ledger_block import without_ledger
from simulations.reports.sweep_records import LOCAL, METRICS, TEST
from simulations.reports.text_tables import as_markdown
from simulations.reports.what_it_saw import what_it_saw

SVHN, MNIST = "svhn", "mnist"
SVHN_REPORTS = {
    "uploads-full-svhn": "When a fog node uploads",
    "sharing-reduced-svhn": "What an end node shares",
}


def table2_block(results: Path, data: str, *, links: str) -> str:
    """Return Table 2 on a data set in both metrics, with pictures, claims, and what is missing.

    Parameters
    ----------
    results : Path
    data : str
        Data set.
    links : str
        Path of ``results`` relative to the page, for example ``../../results``.
    """
    found = recorded(results, data)
    parts = []
    for metric in (TEST, LOCAL) if found or data == SVHN else ():
        parts += [
            f"**{METRICS[metric].capitalize()}**, percent:",
            as_markdown(_with_runs(front_table(found, metric, printed=data == SVHN))),
        ]
    parts += _seen(found)
    stem = f"table2-full-{data}"
    parts += _pictures(results, links, stem)
    parts += tables_of(results, f"{stem}-claims", "The paper's claims")
    if (results / "tables" / f"{stem}.md").exists():
        parts.append(_more(results, links, stem))
        parts.append(f"Made by:\n\n```bash\n{report_command(found, data)}\n```")
    if data == SVHN:
        for stem, title in SVHN_REPORTS.items():
            parts += tables_of(results, stem, title)
    if commands := still_to_run(found, data):
        lines = "\n".join(commands)
        what = "The rest" if parts else "It"
        told = f"{what} has not been run yet; these commands make the missing runs:"
        parts.append(f"{told}\n\n```bash\n{lines}\n```")
    return "\n\n".join(parts)


def _with_runs(table: pd.DataFrame) -> pd.DataFrame:
    """Return a ``front_table`` without rows of which no cell has run."""
    return table[~table.iloc[:, 1:].isin([NOT_RUN, NONE]).all(axis=1)]


def front_block(results: Path, *, links: str) -> str:
    """Return the first table of the README: the records on SVHN and on rendered digits."""
    rows = (*ROWS, ON_RENDERED)
    found = recorded(results, SVHN, rows)
    shown = [row for row in rows if row.title in found]
    parts = [as_markdown(front_table(found, TEST, rows=shown)), *_seen(found)]
    if not any(row.title in found for row in ROWS):
        parts.insert(0, "On SVHN it **has not been run yet**; on rendered digits it has:")
    return "\n\n".join(
        parts + _picture(results, links, f"table2-full-{SVHN}-overview", "Table 2, ours beside it")
    )


def rendered_block(results: Path, *, links: str) -> str:
    """Return the reports of Table 2, uploads and Table 1 on rendered digits."""
    parts = []
    for stem, title in (
        ("table2", "Reduced scale"),
        ("table2-full", "The paper's sizes"),
    ):
        parts += [*tables_of(results, stem, title), *_pictures(results, links, stem)]
        parts.append(_more(results, links, stem))
    parts += tables_of(results, "uploads", "When a fog node uploads")
    parts += tables_of(results, "table1-full", "How many images each tier has")
    return "\n\n".join(parts)


def single_runs_block(results: Path) -> str:
    """Return a table of the single runs on real data, which belong to no sweep."""
    rows = []
    for folder in sorted([*(results / SVHN).iterdir(), *(results / MNIST).iterdir()]):
        run = read_run(folder)
        config, data, final = run["config"], run["data"], run["final"]
        rows.append(
            {
                "run": f"{folder.parent.name}/{folder.name}",
                "training, validation, test digits": ", ".join(
                    f"{data[f'{part}_examples']:,}" for part in ("train", "validation", "test")
                ),
                "learning rate": f"{config['learning-rate']:g}, {config['learning-rate-schedule']}",
                "epochs": final["round"] * config["local-epochs"],
                "gate": config["gate"],
                "test accuracy, %": percent(float(final[TEST])),
            }
        )
    return as_markdown(pd.DataFrame(rows))


def realism_block(results: Path) -> str:
    """Return the accuracy on real digits of a model trained on rendered digits alone."""
    kept = json.loads((results / "realism.json").read_text())
    low, high = (f"{100 * bound:.1f}" for bound in kept["interval"])
    parts = [
        f"{Path(file['name']).name}: {file['accuracy']:.1%} of {file['images']}"
        for file in kept["files"]
    ]
    return (
        f"Accuracy on the first {kept['images']} real SVHN digits: **{kept['accuracy']:.1%}** (95% "
        f"CI {low} to {high}; {'; '.join(parts)}), after {kept['epochs']} epochs on "
        f"{kept['training_images']:,} rendered ones."
    )


def tables_of(results: Path, stem: str, title: str) -> list[str]:
    """Return a report as parts of another page; an empty list if there is no such report.

    ``title`` replaces its own title, and headings move down to fit below it. Of its ledger only the
    warning is shown.
    """
    body = without_ledger(body_of(results, stem))
    lower = re.sub(r"^## ", "#### ", body, flags=re.MULTILINE)
    return [f"### {title}", lower] if body else []


def body_of(results: Path, stem: str) -> str:
    """Return a report without its title; empty if there is no such report."""
    page = results / "tables" / f"{stem}.md"
    return page.read_text().partition("\n\n")[2].strip() if page.exists() else ""


def _seen(found: dict[str, Any]) -> list[str]:
    return [
        f"{title.capitalize()}: {' '.join(what_it_saw(found[title])[:3])}"
        for title in (row.title for row in ROWS)
        if title in found
    ]


def _pictures(results: Path, links: str, stem: str) -> list[str]:
    parts = _picture(
        results, links, f"{stem}-overview", "accuracy of every cell, beside the paper's"
    )
    for number in (3, 4, 5, 6):
        parts += _picture(results, links, f"{stem}-figure-{number}", f"Figure {number}")
    return parts


def _picture(results: Path, links: str, name: str, words: str) -> list[str]:
    there = (results / "figures" / f"{name}.png").exists()
    return [f"![{words}]({links}/figures/{name}.png)"] if there else []


def _more(results: Path, links: str, stem: str) -> str:
    titles = {"-statistics": "tests", "-claims": "claims", "-costs": "what it cost"}
    told = [
        f"[{words}]({links}/tables/{stem}{suffix}.md)"
        for suffix, words in titles.items()
        if (results / "tables" / f"{stem}{suffix}.md").exists()
    ]
    return f"More: {', '.join(told)}; all of it in one page: `results/reports/{stem}.html`."
