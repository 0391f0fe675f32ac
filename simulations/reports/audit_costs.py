"""Table of how long recorded audits took, and how much memory."""

import json
from pathlib import Path

import pandas as pd

from simulations.audits.cost import PEAK, SECONDS
from simulations.audits.finding import FILE

UNKNOWN = "not recorded"


def costs_table(folders: list[Path]) -> pd.DataFrame:
    """Return a row per audit, over all folders in which it attacked something.

    Parameters
    ----------
    folders : list of Path
        Each with an ``audit.json``. Those of older versions lack figures: they count where they
        have them.
    """
    made: dict[str, list[dict[str, float]]] = {}
    for folder in folders:
        for name, one in json.loads((folder / FILE).read_text())["audits"].items():
            if any(found["value"] is not None for found in one["findings"]):  # applicable
                made.setdefault(name, []).append(one)
    rows = []
    for name, ones in made.items():
        seconds = [round(one[SECONDS]) for one in ones if SECONDS in one]
        peaks = [one[PEAK] for one in ones if PEAK in one]
        rows.append(
            {
                "audit": name,
                "made": len(ones),
                "seconds": " to ".join(map(str, _ends(seconds))) or UNKNOWN,
                "peak memory, GiB": f"{max(peaks):.2f}" if peaks else UNKNOWN,
            }
        )
    return pd.DataFrame(rows)


def _ends(numbers: list[int]) -> list[int]:
    """Return the least and the largest number; one if they are the same, none if there are none."""
    return sorted({min(numbers), max(numbers)}) if numbers else []
