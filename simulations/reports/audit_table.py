"""Tables of recorded audits: one that compares protections, and one for each kind of finding."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from simulations.audits.audited import findings_in
from simulations.audits.bounds import DELTA, from_pairs, most_from_one_run
from simulations.audits.finding import FILE, AuditFinding

Finding = dict[str, Any]
# Heading, audit, and prefixes of a finding's attack and measure.
COLUMNS = (
    ("shipped image re-identified among 600", "shipments", "linear reconstruction", "re-ident"),
    ("images read from dW: step on 8", "inversion", "a step on 8 images, honest W", "share"),
    ("step on 32, crafted W", "inversion", "a step on 32 images, crafted W", "share"),
    ("epoch over 100, crafted W", "inversion", "an epoch over 100 images, crafted", "share"),
    ("members found from the final W (LiRA)", "membership", "final W, LiRA", "members"),
    ("the same, area under ROC", "membership", "final W, LiRA", "area"),
    ("members found from dW of 100 images", "membership", "dW of an epoch over 100", "members"),
)
# Audits that bound the epsilon of dW over the whole run. Bounds for one epoch have another promise.
BOUNDS = ("one-run", "membership")
NOT_WHOLE = "dW of an epoch"
# Settings in which an attacked run may differ from the one that shows what an attack can do.
PROTECTING = ("protection", "fog-protection", "noise-source", "data-dir")
SAMPLING, GAMES = "sampling", 10_000  # games of each kind
REACHED = "reached where nothing is promised"  # a column
AGAIN = "noise drawn again from the seed"
GUESSES = r"[,:] \d+ of \d+ guesses right$"
STEPS = ("a step on", "an epoch over")
SHIPMENTS = (  # heading, and prefixes of a finding's attack and measure
    ("PSNR as shipped, dB", "as shipped", "PSNR"),
    ("reconstructed, dB", "linear reconstruction", "PSNR"),
    ("re-identified among 600", "linear reconstruction", "re-ident"),
    ("with the noise drawn again from the seed", AGAIN, "re-ident"),
)


def audit_rows(folders: list[Path]) -> list[dict[str, str]]:
    """Return a row per folder with the best attack of each kind and its interval.

    Parameters
    ----------
    folders : list of Path
        Each with an ``audit.json``.

    Returns
    -------
    list of dict of column to text
    """
    rows = []
    for folder in folders:
        config, findings = _read(folder)
        row = {"protection": _protection(config)}
        for heading, audit, attack, measure in COLUMNS:
            found = [f for f in _beginning(findings, attack, measure) if f["audit"] == audit]
            row[heading] = _told(max(found, key=lambda f: f["value"])) if found else ""
        bounds = [
            f
            for f in findings
            if f["audit"] in BOUNDS and f["bound"] and not f["attack"].startswith(NOT_WHOLE)
        ]
        promised = min((f["claimed"] for f in bounds if f["claimed"] is not None), default=None)
        row["epsilon of dW, at least"] = f"{max((f['value'] for f in bounds), default=0):.3g}"
        row["promised"] = "nothing" if promised is None else f"{promised:.3g}"
        refuted = any(f["verdict"] == "refuted" for f in findings)
        row["refuted"] = "yes" if refuted else "no"
        rows.append(row)
    return rows


def protections_table(folders: list[Path]) -> pd.DataFrame:
    """Return ``audit_rows`` transposed, with a column per protection."""
    table = pd.DataFrame(audit_rows(folders)).set_index("protection").T
    return table.rename_axis("attack", axis=0).reset_index()


def bounds_table(folders: list[Path]) -> pd.DataFrame:
    """Return the lower bound that comes closest to its promise, for each folder and audit.

    Each is a 95% bound. The closest of several exceeds the truth more often than in 5%, so their
    number stands beside it. What the same attack reaches where nothing is promised says how much a
    bound below the promise is worth: an attack that reaches less than the promise even there could
    not have refuted it.
    """
    rows = []
    every = [_read(folder) for folder in folders]
    for config, findings in every:
        bounds = [f for f in findings if f["bound"] and f["claimed"] is not None]
        for audit in dict.fromkeys(f["audit"] for f in bounds):
            found = [f for f in bounds if f["audit"] == audit]
            closest = max(found, key=lambda f: f["value"] / f["claimed"])
            reached = _reached(closest["attack"], config, every)
            rows.append(
                {
                    "protection": _protection(config),
                    "noise-source": config["noise-source"],
                    "audit": audit,
                    "closest attack": closest["attack"],
                    "bounds compared": len(found),
                    "epsilon, at least": f"{closest['value']:.3g}",
                    "promised": f"{closest['claimed']:.3g}",
                    REACHED: "" if reached is None else f"{reached:.3g}",
                    "verdict": closest["verdict"],
                }
            )
    return pd.DataFrame(rows)


def broken_table(folders: dict[str, tuple[Path, Path]]) -> pd.DataFrame:
    """Return how broken mechanisms fared beside the same ones intact.

    Parameters
    ----------
    folders : dict of str to tuple of Path
        What is broken, and the folders of the broken and of the intact mechanism.
    """
    rows = []
    for what, (broken, intact) in folders.items():
        config, findings = _read(broken)
        bounds = [f for f in findings if f["bound"] and f["claimed"] is not None]
        closest = max(bounds, key=lambda f: f["value"] / f["claimed"])
        # An attacker who knows the seed has no counterpart where there is none to know.
        tried = _tried(closest["attack"]).replace(f", {AGAIN}", "").replace(AGAIN, "as shipped")
        other = [f for f in _read(intact)[1] if _tried(f["attack"]) == tried and f["bound"]]
        rows.append(
            {
                "what is broken": what,
                "protection": _protection(config),
                "attack": closest["attack"],
                "promised": f"{closest['claimed']:.3g}",
                "epsilon, at least": f"{closest['value']:.3g}",
                "verdict": closest["verdict"],
                "the same intact": "".join(f"{f['value']:.3g}, {f['verdict']}" for f in other[:1]),
            }
        )
    return pd.DataFrame(rows)


def shipments_table(folders: list[Path]) -> pd.DataFrame:
    """Return how well shipped images are reconstructed and re-identified, a row per folder."""
    rows = []
    for folder in folders:
        config, findings = _read(folder)
        row = {"protection": _protection(config), "noise-source": config["noise-source"]}
        for heading, attack, measure in SHIPMENTS:
            found = _beginning(findings, attack, measure)
            row[heading] = f"{found[0]['value']:.3g}" if found else ""
        rows.append(row)
    return pd.DataFrame(rows)


def inversion_table(folder: Path) -> pd.DataFrame:
    """Return the share of images recovered from dW: a row per batch, a column per kind of W."""
    _, findings = _read(folder)
    rows: dict[str, dict[str, str]] = {}
    for finding in findings:
        batch, comma, weights = finding["attack"].partition(", ")
        if comma and finding["audit"] == "inversion" and batch.startswith(STEPS):
            rows.setdefault(batch, {"dW of": batch})[weights] = _told(finding)
    return pd.DataFrame(list(rows.values()))


def findings_table(folder: Path) -> pd.DataFrame:
    """Return a table of every finding in a folder."""
    _, findings = _read(folder)
    return pd.DataFrame(
        [{"attack": f["attack"], "measure": f["measure"], "found": _told(f)} for f in findings]
    )


def _read(folder: Path) -> tuple[dict[str, Any], list[Finding]]:
    """Return the attacked configuration and the findings of all audits, judged anew."""
    path = folder / FILE
    findings = [_could_show(f) | f if f["bound"] else f for f in findings_in([path])]
    judged = [f | {"verdict": AuditFinding.from_json(f).verdict} for f in findings]
    return json.loads(path.read_text())["config"], judged


def _could_show(finding: Finding) -> Finding:
    """Return ``most`` of a bound that was recorded without it, from the number of its tries.

    It is not counted too high: where only the number of guesses is told, there were more canaries.
    """
    attack = finding["attack"]
    if canaries := re.search(r"(\d+) canaries", attack) or re.search(r"of (\d+) guesses", attack):
        return {"most": most_from_one_run(int(canaries[1]), DELTA)}
    if finding["audit"] == SAMPLING:
        games = np.arange(2.0 * GAMES)
        return {"most": from_pairs(games[GAMES:], games[:GAMES], DELTA)[1]}
    return {}


def _tried(attack: str) -> str:
    """Return what an attacker did, without how many guesses were right."""
    return re.sub(GUESSES, "", attack)


def _reached(
    attack: str, config: dict[str, Any], every: list[tuple[dict[str, Any], list[Finding]]]
) -> float | None:
    """Return the bound of the same attack on the same run where nothing is promised.

    An unprotected run goes before those whose protections promise nothing.
    """
    found = []
    for other, findings in every:
        both = (config.keys() & other.keys()) - set(PROTECTING)
        if any(config[key] != other[key] for key in both):
            continue
        protected = bool(other["protection"] or other["fog-protection"])
        found += [
            (not protected, f["value"])
            for f in findings
            if f["bound"] and f["claimed"] is None and _tried(f["attack"]) == _tried(attack)
        ]
    return max(found)[1] if found else None


def _protection(config: dict[str, Any]) -> str:
    both = [one for one in (config["protection"], config["fog-protection"]) if one]
    both += [f"mask-groups={size}" for size in [config.get("mask-groups")] if size]
    return f"`{', '.join(both)}`" if both else "none"


def _beginning(findings: list[Finding], attack: str, measure: str) -> list[Finding]:
    return [
        f for f in findings if f["attack"].startswith(attack) and f["measure"].startswith(measure)
    ]


def _told(finding: Finding) -> str:
    value, low, high = finding["value"], finding["low"], finding["high"]
    known = low is not None and high is not None
    return f"{value:.3g} ({low:.2g} to {high:.2g})" if known else f"{value:.3g}"
