"""Accuracy by the share and noise of an end node's examples, and what its shipments reveal."""

import math
from typing import Any

import pandas as pd

from simulations.audits.audited import findings_in
from simulations.audits.finding import FILE
from simulations.experiments.sharing import FRACTIONS, NOISES, name_of
from simulations.reports import formats
from simulations.reports.own_data import NOTE, own_data_table
from simulations.reports.part import Part
from simulations.reports.statistics import summarise_accuracy
from simulations.reports.sweep_records import TEST, SweepRecords
from simulations.reports.what_it_saw import what_it_saw

AUDIT = "audit"  # beside the seeds of a cell: the findings on its shipments
ATTACKS = ("as shipped", "linear reconstruction")
MEASURES = {"PSNR, dB": "PSNR, dB", "re-identified": "re-identified, %"}


def sharing_part(records: SweepRecords) -> Part:
    """Return accuracy by share and noise, and the findings of the audit of shipments at each noise.

    Parameters
    ----------
    records : SweepRecords
        Records of ``sharing``. Findings are in ``CELL/audit/audit.json`` below the sweep's folder,
        for the cells that share everything: what one image reveals does not depend on the others.
    """
    found = {
        cell.name: summarise_accuracy(records.final(cell, TEST))
        for cell in records.experiment.cells
    }
    lines, missing = [], []
    for noise in NOISES:
        line: dict[str, object] = {"noise": f"{noise:g}"}
        for fraction in FRACTIONS:
            name = name_of(fraction, noise)
            lost = records.collapsed[name]
            told = formats.accuracy(found[name]) if found[name].n or not lost else ""
            count = f"{lost} collapsed" if lost else ""
            line[f"{fraction:.0%} shared"] = ", ".join(filter(None, (told, count)))
        audit = records.folder / name_of(FRACTIONS[0], noise) / AUDIT / FILE
        if not audit.exists():
            missing.append(noise)
        line |= _findings(findings_in([audit] if audit.exists() else []))
        lines.append(line)
    rows = pd.DataFrame(
        {
            "cell": cell.name,
            **cell.tags,
            **found[cell.name].columns("test"),
            "seeds": found[cell.name].n,
            "collapsed": records.collapsed[cell.name],
        }
        for cell in records.cells
    )
    notes = [
        *what_it_saw(records),
        "Noise is the standard deviation of what is added to standardised inputs. PSNR (higher "
        "shows more) and re-identification are of images that are shared; of those that are not, a "
        "fog node sees nothing. A linear reconstruction is learned on the attacker's own images.",
        *(f"Not audited: noise {noise:g}. {_command(records, noise)}" for noise in missing),
    ]
    title = f"What an end node shares: {records.experiment.varies}"
    heading = "Test accuracy, %, and what shipments give away"
    tables = {heading: pd.DataFrame(lines)}
    own = own_data_table(records)
    if len(own):
        tables["The final W on each fog node's own data"] = own
        notes.append(NOTE)
    return Part(title, tables, notes, rows)


def _findings(audit: list[dict[str, Any]]) -> dict[str, str]:
    told = {}
    for begins, words in MEASURES.items():
        for attack in ATTACKS:
            value = next(
                (
                    float(one["value"])
                    for one in audit
                    if one["attack"] == attack and one["measure"].startswith(begins)
                ),
                math.nan,
            )
            share = 100 * value if begins == "re-identified" else value
            told[f"{words}, {attack}"] = formats.NONE if math.isnan(share) else f"{share:.1f}"
    return told


def _command(records: SweepRecords, noise: float) -> str:
    cell = f"{records.folder.name}/{name_of(FRACTIONS[0], noise)}"
    return (
        f"`fog-flower audit results/sharing/{cell}/seed-0 --only shipments "
        f"--out results/sharing/{cell}/{AUDIT}` makes it."
    )
