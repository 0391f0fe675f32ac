"""Blocks of the page on measured privacy, made from the committed records."""

import json
import re
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from simulations.audits.finding import HOLDS, REFUTED, WEAK
from simulations.audits.other_code import PACKAGE
from simulations.reports.attack_grid.grid_records import load_comparison
from simulations.reports.audit_costs import costs_table
from simulations.reports.audit_table import (
    COLUMNS,
    REACHED,
    audit_rows,
    bounds_table,
    broken_table,
    findings_table,
    inversion_table,
    protections_table,
    shipments_table,
)
from simulations.reports.blocks import body_of, tables_of
from simulations.reports.ledger_block import ledger_block, without_ledger
from simulations.reports.text_tables import as_markdown
from simulations.visible import counted

COSTS = {
    "epsilon-svhn": "Real SVHN: accuracy at every epsilon",
    "epsilon-mnist": "Real MNIST: accuracy at every epsilon",
    "trilemma-svhn": "Real SVHN: epsilon, attackers and accuracy",
}
LITERATURE = {"literature-mnist": "Real MNIST", "literature-svhn": "Real SVHN"}
PRIVATE_RUN = "epsilon/svhn/patches-epsilon-3/seed-0"
ALONE = "epsilon/alone-*.json"
DATA = {"epsilon-svhn": "SVHN", "epsilon-mnist": "MNIST"}
CENTRAL = "central-dp-mnist"
PROMISES = "What the ledger promises"  # section of a report that repeats its column heads
REFUSED = "updates that the gate refused"
AUDITED = ("none", "noise", "projection", "dp-sgd-8", "dp-sgd-3")
SHIPPED = ("noise", "projection", "gaussian-seeded", "gaussian")
# What is broken in a mechanism: the folders of its audit, and of the same one intact.
BROKEN = {
    "noise switched off": ("broken/no-noise", "dp-sgd-1"),
    "seed known": ("gaussian-seeded", "gaussian"),
    "shuffled batches accounted for as Poisson samples": ("broken/shuffled", "dp-sgd-1"),
}
INVERTED = "inversion-svhn-cnn"
MASKS = {"single": "0", "groups": "2"}


def findings_block(results: Path) -> str:
    """Return the main results as a list of sentences, with figures from the records."""
    kinds = (_of_epsilon, _of_attackers, _of_central, _of_masks, _of_audits)
    return "\n".join(f"- {line}" for told in kinds for line in told(results))


def costs_block(results: Path, *, links: str) -> str:
    """Return tables and pictures of the cost of privacy, shortened from the reports.

    Parameters
    ----------
    results : Path
    links : str
        Path of ``results`` relative to the page, for example ``../../results``.
    """
    parts: list[str] = []
    for stem, title in COSTS.items():
        page = results / "tables" / f"{stem}.md"
        if not page.exists():
            continue  # not run yet
        parts += [f"### {title}", f"![{title}]({links}/figures/{stem}.png)"]
        body = without_ledger(page.read_text()).partition("\n## ")[2]
        parts += [_shortened(part) for part in f"## {body}".split("\n\n## ") if _is_shown(part)]
        parts.append(f"[The report]({links}/tables/{stem}.md) has every cell.")
    return "\n\n".join(parts)


def central_block(results: Path) -> str:
    """Return the report on noise in the cloud, without its title and the table of its ledgers."""
    return without_ledger(body_of(results, CENTRAL)) or "(no records)"


def ledger_block_of(results: Path) -> str:
    """Return the ledger of a recorded private run, with the columns that matter most."""
    block = ledger_block([results / PRIVATE_RUN])
    table = block.table[["release", "from", "to", "mechanism", "epsilon"]]
    return f"{as_markdown(table)}\n\n**{block.warning}**"


def literature_block(results: Path, *, links: str) -> str:
    """Return the reports on the systems of the literature, one for each data set that has runs."""
    parts = []
    for stem, title in LITERATURE.items():
        if found := tables_of(results, stem, title):
            parts += [
                *found,
                f"[The report]({links}/tables/{stem}.md) has the ledger of each system.",
            ]
    return "\n\n".join(parts) or "(no records)"


def masks_block(results: Path) -> str:
    """Return how a gate judges masked groups, compared with the same runs without masks."""
    rows = [
        {
            "malicious of 7": malicious,
            "mask-groups": MASKS[name],
            "test accuracy, mean (each seed)": f"{each.mean():.1%} "
            f"({', '.join(f'{one:.1%}' for one in each)})",
            "honest updates or groups refused": f"{_refused(honest)} of {len(honest)}",
            "refused of those with a malicious node": f"{_refused(harmful)} of {len(harmful)}",
        }
        for malicious, name, each, honest, harmful in _masked(results)
    ]
    return as_markdown(pd.DataFrame(rows))


def audits_block(results: Path, *, links: str) -> str:
    """Return the results of recorded audits: protections, bounds, shipments and inversion."""
    recorded = results / "audit"
    made = [folder for name in AUDITED if _is_made(folder := recorded / "table" / name)]
    every = sorted(path.parent for path in recorded.rglob("audit.json"))
    shipped = [folder for name in SHIPPED if _is_made(folder := recorded / name)]
    told = ", ".join(
        f"[{folder.relative_to(recorded)}]({links}/audit/{folder.relative_to(recorded)}/audit.json)"
        for folder in every
    )
    parts = [
        f"### Four attacks on {counted(len(made), 'protection')}",
        "Real MNIST, `mlp-narrow`; 95% intervals in brackets; members at 0.1% false positives:",
        as_markdown(protections_table(made)),
        _versions(made, recorded),
        "### Bounds beside promises",
        "The lower bound of each audit that comes closest to what is promised. Each holds at 95%; "
        "the closest of several is too high more often than that. The same attack on the same run "
        "where nothing is promised says how strong the attack is: if it reaches less than the "
        "promise even there, that the promise holds is weak evidence:",
        as_markdown(_intact_bounds(results)),
        "### Broken mechanisms",
        "An audit must fail a mechanism that breaks its promise:",
        as_markdown(_broken(results)),
        "### Shipped images",
        "Real SVHN; an image of 20 dB is visibly blurred:",
        as_markdown(shipments_table(shipped)),
        "### Images read from dW",
        "The share of raw images that are recovered without protection (MNIST, `mlp-narrow`):",
        as_markdown(inversion_table(recorded / "table" / AUDITED[0])),
        "By gradient matching from a CNN (SVHN, `cnn-small`):",
        as_markdown(findings_table(recorded / INVERTED)),
        "### What audits cost",
        "Wall-clock time and peak memory of the audits on this page. Other work on the machine "
        "makes them slower:",
        as_markdown(costs_table(every)),
        f"All findings: {told}.",
        _versions(every, recorded),
    ]
    return "\n\n".join(parts)


def _versions(folders: Sequence[Path], recorded: Path) -> str:
    """Return a sentence with the versions of fog-flower that audits were made with."""
    found: dict[str, dict[str, None]] = {}
    for folder in folders:
        for one in json.loads((folder / "audit.json").read_text())["audits"].values():
            name = folder.relative_to(recorded).as_posix()
            found.setdefault(one[PACKAGE], {})[name] = None
    told = "; ".join(f"{version} ({', '.join(names)})" for version, names in found.items())
    return f"Made with {counted(len(found), 'version')} of the code: {told}."


def _is_made(folder: Path) -> bool:
    return (folder / "audit.json").exists()


def _is_shown(section: str) -> bool:
    return PROMISES not in section.partition("\n")[0] or "\n\nData: " in section


def _shortened(section: str) -> str:
    """Return a section of a report with short notes, and without FedAvg in refused updates."""
    heading, _, body = section.removeprefix("## ").partition("\n\n")
    if heading.startswith(PROMISES):
        return _notes(body.partition("\n\n")[2])
    if REFUSED in heading:
        body = "\n".join(line for line in body.splitlines() if not line.startswith("| FedAvg"))
    return f"#### {heading}\n\n{_notes(body)}"


def _notes(text: str) -> str:
    """Return a section's text with counts in place of its lists of collapsed and missing runs."""
    lines = text.strip().split("\n\n")
    lost = sum(line.startswith("Collapsed: ") for line in lines)
    kept = [line for line in lines if not line.startswith(("Collapsed: ", "Not complete"))]
    kept += [f"Collapsed runs, which count: {lost}."] * bool(lost)
    missing = " ".join(line for line in lines if line.startswith("Not complete"))
    without = re.findall(r"([\w-]+) 0(?=[,.])", missing)
    kept += [f"Not run yet: {', '.join(without)}."] * bool(without)
    return "\n\n".join(kept)


def _csv(results: Path, stem: str) -> pd.DataFrame | None:
    path = results / "tables" / f"{stem}.csv"
    return pd.read_csv(path, dtype={"epsilon": str}) if path.exists() else None


def _of_epsilon(results: Path) -> list[str]:
    lines = []
    for stem, data in DATA.items():
        table = _csv(results, stem)
        if table is None:
            continue
        for series, part in table.groupby("series", sort=False):
            cells = part.dropna(subset="test").set_index("epsilon")
            mean = cells["test"]
            if {"none", "1"} <= set(mean.index):
                figures = ", ".join(
                    f"{mean[epsilon]:.1%} at epsilon {epsilon}"
                    for epsilon in ("8", "3", "1")
                    if epsilon in mean.index
                )
                lines.append(
                    f"**DP-SGD** on {data}, {series}: test accuracy {mean['none']:.1%} without "
                    f"noise, {figures} ({counted(int(cells['seeds'].min()), 'seed')})."
                )
    return [*lines, *_of_the_network_alone(results)]


def _of_the_network_alone(results: Path) -> list[str]:
    """Return the accuracy of the network of rendered digits before any run."""
    found = [json.loads(path.read_text()) for path in sorted(results.glob(ALONE))]
    told = " and ".join(
        f"{one['accuracy']:.1%} on {one['test_examples']:,} test digits of {one['data']}"
        for one in found
    )
    lead = "**The network of rendered digits alone**, before any run"
    return [f"{lead}: test accuracy {told}."] * bool(told)


def _of_attackers(results: Path) -> list[str]:
    table = _csv(results, "trilemma-svhn")
    if table is None:
        return []
    attacked = table[table["malicious"] > 0].dropna(subset="test")
    behind_gate = attacked["series"].str.startswith("gate")
    low, high = attacked[behind_gate]["test"].min(), attacked[~behind_gate]["test"].max()
    return [
        "**DP-SGD beside attackers** on SVHN, softmax regression on patches of rendered digits: "
        f"when 2 or 3 of 7 fog nodes flip signs, test accuracy is {low:.1%} or more behind the "
        f"gate, at every epsilon, and {high:.1%} or less with plain FedAvg."
    ]


def _of_central(results: Path) -> list[str]:
    table = _csv(results, CENTRAL)
    if table is None:
        return []
    mean = table.set_index("cell")["test"]
    return [
        f"**Noise in the cloud** on MNIST, epsilon 8, 60 fog nodes: test accuracy "
        f"{mean['central-0']:.1%} instead of {mean['plain-0']:.1%}."
    ]


def _of_masks(results: Path) -> list[str]:
    lines = []
    masked = _masked(results)
    for malicious in sorted({row[0] for row in masked}):
        told = {name: (each, harmful) for n, name, each, _, harmful in masked if n == malicious}
        (each, harmful), (each_masked, groups) = told["single"], told["groups"]
        lines.append(
            f"**Masked groups** on SVHN, {malicious} of 7 fog nodes flip signs: the gate refuses "
            f"{_refused(groups)} of {len(groups)} groups with an attacker, instead of "
            f"{_refused(harmful)} of {len(harmful)} single updates; test accuracy "
            f"{each_masked.mean():.1%} instead of {each.mean():.1%}."
        )
    return lines


def _of_audits(results: Path) -> list[str]:
    made = [folder for name in AUDITED if _is_made(folder := results / "audit" / "table" / name)]
    images, members = COLUMNS[1][0], COLUMNS[-1][0]
    told = "; ".join(
        f"{row['protection'].replace('none', 'no protection')} {_value(row[images])} and "
        f"{_value(row[members])}"
        for row in audit_rows(made)
    )
    bounds = _intact_bounds(results)
    verdicts, reached = bounds["verdict"], pd.to_numeric(bounds[REACHED])
    weak = (verdicts == HOLDS) & (reached < pd.to_numeric(bounds["promised"]))
    unknown = (verdicts == HOLDS) & reached.isna()
    broken = _broken(results)
    caught = broken[broken["verdict"] == REFUTED]
    return [
        "**Audits** on MNIST, the share of images that the cloud recovers from dW of a step on 8, "
        f"and of members that it identifies from dW of 100 images: {told}.",
        f"**Promises**: of {len(verdicts)} audited, {(verdicts == REFUTED).sum()} are refuted and "
        f"{(verdicts == HOLDS).sum()} hold ({weak.sum()} of them where the attack reaches less "
        "than the promise even on a run that promises nothing, which is weak evidence, and "
        f"{unknown.sum()} where it is not known what it can reach); "
        f"{(verdicts == WEAK).sum()} are above anything that as many tries can show.",
        f"**Broken mechanisms** that an audit refuted: {len(caught)} of {len(broken)} "
        f"({'; '.join(caught['what is broken'])}).",
    ]


def _intact_bounds(results: Path) -> pd.DataFrame:
    """Return the bounds of all audits, without those of broken mechanisms."""
    recorded = results / "audit"
    broken = {recorded / folder for folder, _ in BROKEN.values()}
    every = sorted(path.parent for path in recorded.rglob("audit.json"))
    return bounds_table([folder for folder in every if folder not in broken])


def _broken(results: Path) -> pd.DataFrame:
    """Return how those broken mechanisms fared that were audited."""
    folders = {
        what: (results / "audit" / broken, results / "audit" / intact)
        for what, (broken, intact) in BROKEN.items()
    }
    return broken_table({what: both for what, both in folders.items() if all(map(_is_made, both))})


def _value(told: str) -> str:
    return told.partition(" (")[0]


def _masked(
    results: Path,
) -> list[tuple[int, str, "pd.Series[float]", "pd.Series[bool]", "pd.Series[bool]"]]:
    """Return number of malicious nodes, name, accuracies by seed, and acceptances of each variant.

    The last two items say whether each update or group was accepted: first those without a
    malicious node, then those with one.
    """
    found = []
    for name in MASKS:
        records = load_comparison(results / "masks" / name)
        for malicious, runs in records.finished.groupby("malicious"):
            decided = records.updates[records.updates["malicious"] == malicious]
            own = "node " + decided["fog_node"].astype(str)
            group = decided["reason"].str.extract(r"\(masked group ([\d+]+)\)")[0].fillna(own)
            judged = decided.assign(group=group).groupby(["seed", "round", "group"])
            groups = judged.agg({"is_malicious": "any", "accepted": "all"})
            harmful = groups["is_malicious"]
            each = runs.sort_values("seed")["test_accuracy"]
            accepted = groups["accepted"]
            found.append((int(str(malicious)), name, each, accepted[~harmful], accepted[harmful]))
    return sorted(found, key=lambda row: (row[0], MASKS[row[1]]))


def _refused(accepted: "pd.Series[bool]") -> int:
    return int((~accepted).sum())
