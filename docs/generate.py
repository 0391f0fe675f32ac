"""Writes the generated parts of the reference, between their markers, into the pages.

``python docs/generate.py`` after a change of a key or a command; ``tests/test_docs.py`` compares.
"""

import ast
import importlib
import itertools
import json
from pathlib import Path
from typing import Any

import click
import pandas as pd
import typer

from fog_flower.named import Catalogue
from simulations.cli.commands import app
from simulations.cli.keys import explained
from simulations.reports.attack_grid import ACCURACY, tables_of
from simulations.reports.attack_grid.grid_records import load_comparison
from simulations.reports.attack_grid.grid_tables import notes, worst_table
from simulations.reports.audit_table import audit_rows
from simulations.reports.text_tables import as_markdown

PACKAGES = ("fog_flower", "strategies", "clients", "simulations")
PAGES = Path(__file__).resolve().parent


def keys() -> str:
    """Return every key with its default and meaning, a table a group."""
    parts, group = [], ""
    for key in explained():
        if key.group != group:
            group = key.group
            parts.append(f"\n## {group.capitalize()}\n\n| key | default | meaning |\n|---|---|---|")
        told = [key.meaning]
        told += [f"One of {', '.join(f'`{name}`' for name in key.choices)}"] * bool(key.choices)
        told += [f"Names: {', '.join(f'`{name}`' for name in key.names)}"] * bool(key.names)
        parts.append(f"| `{key.name}` | {_default(key.default)} | {_cell('. '.join(told))} |")
    return "\n".join(parts).strip()


def commands() -> str:
    """Return every command with its help, arguments and options."""
    root = typer.main.get_command(app)
    return "\n\n".join(_command("fog-flower", root)).strip()


def folders() -> str:
    """Return every folder with what its package says of itself, and the names in catalogues."""
    rows = ["| folder | what is in it |", "|---|---|"]
    for package in PACKAGES:
        for init in sorted((PAGES.parent / package).rglob("__init__.py")):
            folder = init.parent.relative_to(PAGES.parent)
            text = init.read_text()
            told = (ast.get_docstring(ast.parse(text)) or "").partition("\n\n")[0]
            names = _names(".".join(folder.parts)) if "Catalogue(" in text else []
            listed = f" Names: {', '.join(names)}." if names else ""
            rows.append(f"| `{folder}/` | {_cell(told).replace('``', '`')}{listed} |")
    return "\n".join(rows)


def claim() -> str:
    """Return what the records of the claim's evaluation say, a section a data set or case."""
    parts = []
    for name, title in (CLAIM | CASES).items():
        folder = PAGES.parent / "results" / "claim" / name
        if not (folder / "comparison.csv").exists():
            continue  # still to be made
        records = load_comparison(folder)
        told = notes(records)[: 3 if name in CLAIM else 2]
        parts += [f"### {title}", "\n".join(f"- {line}" for line in told)]
        for heading, table in tables_of(records).items():
            if (heading in SUMMARIES) == (name in CLAIM) and heading != "Cells below a goal":
                federation = heading.startswith(ACCURACY)
                parts += [f"{heading.removeprefix(ACCURACY)}:"] * federation + [as_markdown(table)]
        if name in CLAIM:
            link = f"../../results/claim/{name}/comparison.md"
            parts.append(f"[Every cell, with intervals, and those below a goal]({link}).")
    return "\n\n".join(parts)


def worst_of_svhn() -> str:
    """Return the attack that costs each column most, at 7 fog nodes on real SVHN."""
    records = load_comparison(PAGES.parent / "results" / "claim" / "svhn")
    table = worst_table(records)
    return as_markdown(table[table["fog nodes"] == 7])


def audits() -> str:
    """Return what recorded audits found: all protections in one table, then a table a folder."""
    recorded = PAGES.parent / "results" / "audit"
    made = [path for name in AUDITED if (path := recorded / name / "audit.json").exists()]
    table = pd.DataFrame(audit_rows([path.parent for path in made]))
    told = f"Four attacks on {len(made)} of {len(AUDITED)} protections, {ALL_AUDITED}:"
    parts = [told, as_markdown(table)]
    for folder in sorted(path.parent for path in recorded.rglob("audit.json")):
        told = json.loads((folder / "audit.json").read_text())
        config = told["config"]
        protected = config["protection"] or config["fog-protection"] or "no protection"
        seen = {one["data"] for one in told["audits"].values()}
        seconds = sum(one["seconds"] for one in told["audits"].values())
        parts.append(
            f"`{protected}`, noise-source={config['noise-source']}, {', '.join(seen)}, "
            f"model={config['model']}, seed {config['seed']} ({seconds:.0f} s):"
        )
        rows = ["| attack | measure | found | promised | verdict |", "|---|---|---|---|---|"]
        for one in told["audits"].values():
            rows += [
                f"| {f['attack']} | {f['measure']} | {_found(f)} | {_promised(f)} | "
                f"{f['verdict']} |"
                for f in one["findings"]
            ]
        parts.append("\n".join(rows))
    return "\n\n".join(parts)


def _found(finding: dict[str, Any]) -> str:
    value, low, high = finding["value"], finding["low"], finding["high"]
    if value is None:
        return ""
    told = "" if low is None or high is None else f" ({low:.3g} to {high:.3g})"
    return f"{value:.3g}{told}"


def masks() -> str:
    """Return what a gate makes of masked groups, beside the same runs without masks."""
    rows = [
        "| malicious of 7 | mask-groups | test accuracy, mean (each seed) | clean groups refused | "
        "groups with a malicious node refused |",
        "|---|---|---|---|---|",
    ]
    found: dict[tuple[int, str], str] = {}
    for name, title in {"single": "0", "groups": "2"}.items():
        records = load_comparison(PAGES.parent / "results" / "masks" / name)
        for malicious, runs in records.finished.groupby("malicious"):
            decided = records.updates[records.updates["malicious"] == malicious]
            own = "node " + decided["fog_node"].astype(str)
            group = decided["reason"].str.extract(r"\(masked group ([\d+]+)\)")[0].fillna(own)
            judged = decided.assign(group=group).groupby(["seed", "round", "group"])
            groups = judged.agg({"is_malicious": "any", "accepted": "all"})
            told = [
                f"{(~part['accepted']).sum()} of {len(part)}"
                for part in (groups[~groups["is_malicious"]], groups[groups["is_malicious"]])
            ]
            each = runs.sort_values("seed")["test_accuracy"]
            seeds = ", ".join(f"{one:.1%}" for one in each)
            found[int(malicious), title] = (
                f"| {malicious} | {title} | {each.mean():.1%} ({seeds}) | {told[0]} | {told[1]} |"
            )
    return "\n".join([*rows, *(found[key] for key in sorted(found))])


def privacy() -> str:
    """Return the measured part of the page on privacy."""
    parts = ["## Accuracy at every epsilon, and beside attackers", costs()]
    parts += ["## The gate on masked groups", masks(), "## What audits found", audits()]
    return "\n\n".join(parts)


def costs() -> str:
    """Return the tables and pictures of what privacy costs, as they were reported."""
    parts = []
    for name, title in COSTS.items():
        page = PAGES.parent / "results" / "tables" / f"{name}.md"
        if not page.exists():
            continue  # still to be made
        _, _, body = page.read_text().partition("\n## ")
        lines = body.split("\n\n")
        lost = sum(line.startswith("Collapsed: ") for line in lines)
        body = "\n\n".join(line for line in lines if not line.startswith("Collapsed: "))
        told = f"Collapsed runs, which count: {lost}. [The report]({link_of(name)}) names each."
        body += f"\n\n{told}" if lost else ""
        parts += [f"### {title}", f"![{title}](../results/figures/{name}.png)"]
        parts.append(f"#### {body.strip()}".replace("\n## ", "\n#### "))
    return "\n\n".join(parts)


def link_of(name: str) -> str:
    """Return where a page on privacy finds a table."""
    return f"../results/tables/{name}.md"


COSTS = {
    "epsilon-svhn": "Real SVHN: accuracy at every epsilon",
    "epsilon-mnist": "Real MNIST: accuracy at every epsilon",
    "trilemma-svhn": "Real SVHN: epsilon, attackers and accuracy",
}


def _promised(finding: dict[str, Any]) -> str:
    if finding["value"] is None:
        return ""
    return "nothing" if finding["claimed"] is None else format(finding["claimed"], ".3g")


AUDITED = tuple(f"table/{name}" for name in ("none", "noise", "projection", "dp-sgd-8", "dp-sgd-3"))
ALL_AUDITED = "real MNIST, `mlp-narrow`, 95% intervals in brackets; an empty cell was not attacked"
SUMMARIES = ("What is reached", "The attack that costs most", "The backdoor")
CLAIM = {
    "svhn": "Real SVHN, `cnn-small`",
    "mnist-mlp": "Real MNIST, `mlp-narrow`",
    "mnist": "Real MNIST, `cnn-small`",
    "rendered": "Rendered digits, `cnn-small`",
}
CASES = {
    "refusals": "Nobody attacks, IID: who is refused, over 20 seeds",
    "refusals-dirichlet": "Nobody attacks, `dirichlet:0.1`: who is refused, over 20 seeds",
    "all-malicious": "All are malicious",
    "consensus-batch": "Updates that are nearly the same: batches of 500",
    "consensus-rate": "Updates that are nearly the same: a learning rate of 0.001",
    "consensus-three": "Updates that are nearly the same: 3 nodes with 4,000 examples each",
}
GENERATED = {
    "../README.md": worst_of_svhn,
    "results/attacks.md": claim,
    "privacy.md": privacy,
    "reference/keys.md": keys,
    "reference/commands.md": commands,
    "reference/structure.md": folders,
}


def with_block(text: str, block: str) -> str:
    """Return a page's text with ``block`` between its markers."""
    begin, end = "<!-- generated by docs/generate.py: begin -->", "<!-- generated: end -->"
    before, _, rest = text.partition(begin)
    _, _, after = rest.partition(end)
    return f"{before}{begin}\n\n{block}\n\n{end}{after}"


def _command(name: str, command: click.Command) -> list[str]:
    if isinstance(command, click.Group):
        parts = [_command(f"{name} {sub}", command.commands[sub]) for sub in command.commands]
        return list(itertools.chain.from_iterable(parts))
    context = click.Context(command, info_name=name)
    usage = " ".join([name, *command.collect_usage_pieces(context)])
    text = "\n\n".join(" ".join(p.split()) for p in (command.help or "").split("\n\n"))
    parts = [f"## {name}", f"```text\n{usage}\n```", _escaped(text)]
    if command.epilog:
        parts.append(f"```bash\n{command.epilog.removeprefix('Example: ')}\n```")
    options = [p for p in command.params if isinstance(p, click.Option)]
    rows = [f"| {_flags(o)} | {_given(o)} | {_cell(o.help or '')} |" for o in options]
    if rows:
        parts.append("\n".join(["| option | default | meaning |", "|---|---|---|", *rows]))
    return parts


def _names(package: str) -> list[str]:
    found = vars(importlib.import_module(package)).values()
    return [f"`{n}`" for item in found if isinstance(item, Catalogue) for n in item.names()]


def _flags(option: click.Option) -> str:
    shown = ", ".join(f"`{flag}`" for flag in option.opts)
    return (
        shown
        if option.is_flag
        else f"{shown} {option.make_metavar(_CONTEXT).removesuffix(' RANGE')}"
    )


def _given(option: click.Option) -> str:
    if option.is_flag or option.default in (None, ""):
        return "required" if option.required else ""
    return f"`{option.default}`"


def _default(value: Any) -> str:
    if value == "":
        return "(empty)"
    return f"`{value}`"


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", r"\|")


def _escaped(text: str) -> str:
    return text.replace("<", "&lt;")


_CONTEXT = click.Context(click.Command("fog-flower"))


if __name__ == "__main__":
    for name, make in GENERATED.items():
        page = PAGES / name
        page.write_text(with_block(page.read_text(), make()))
