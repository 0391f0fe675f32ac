"""What audits of several protections found, a row each."""

import json
from pathlib import Path
from typing import Any

Finding = dict[str, Any]
# Heading, audit, and how attack and measure of a finding begin.
COLUMNS = (
    ("image found among 600 by its shipment", "shipments", "linear reconstruction", "re-ident"),
    ("images read from dW, a step on 8", "inversion", "a step on 8 images, honest W", "share"),
    ("of 32, crafted W", "inversion", "a step on 32 images, crafted W", "share"),
    ("of an epoch over 100, crafted W", "inversion", "an epoch over 100 images, crafted", "share"),
    ("members known by final W (LiRA), at 0.1% others", "membership", "final W, LiRA", "members"),
    ("area under ROC", "membership", "final W, LiRA", "area"),
    ("members known by dW of 100 images", "membership", "dW of an epoch over 100", "members"),
)
# Bounds of the whole run's dW; those of one epoch are of a promise of their own.
BOUNDS = ("one-run", "membership")
NOT_WHOLE = "dW of an epoch"


def audit_rows(folders: list[Path]) -> list[dict[str, str]]:
    """Return a row a folder: the best attack of each kind, with its interval.

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
        told = json.loads((folder / "audit.json").read_text())
        findings = [f for one in told["audits"].values() for f in one["findings"]]
        config = told["config"]
        both = [one for one in (config["protection"], config["fog-protection"]) if one]
        row = {"protection": f"`{', '.join(both)}`" if both else "none"}
        for heading, audit, attack, measure in COLUMNS:
            found = [
                f
                for f in findings
                if f["audit"] == audit
                and f["attack"].startswith(attack)
                and f["measure"].startswith(measure)
            ]
            row[heading] = _told(max(found, key=lambda f: f["value"])) if found else ""
        bounds = [
            f
            for f in findings
            if f["audit"] in BOUNDS and f["bound"] and not f["attack"].startswith(NOT_WHOLE)
        ]
        promised = {f["claimed"] for f in bounds}
        row["epsilon of dW, at least"] = f"{max((f['value'] for f in bounds), default=0):.3g}"
        row["promised"] = ", ".join("nothing" if p is None else f"{p:.3g}" for p in promised)
        refuted = any(f["verdict"] == "refuted" for f in findings)
        row["refuted"] = "yes" if refuted else "no"
        rows.append(row)
    return rows


def _told(finding: Finding) -> str:
    value, low, high = finding["value"], finding["low"], finding["high"]
    return f"{value:.3g} ({low:.2g} to {high:.2g})"
