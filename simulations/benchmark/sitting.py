"""The rows of the last sitting of each case: what is compared was measured in one sitting."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from fog_flower.errors import UserError
from simulations.benchmark.ledger import SITTING

# What of a part is compared with each other, and so stands in one sitting.
CASES: dict[str, list[str]] = {
    "throughput": ["model", "fog_nodes"],
    "shares": ["model", "fog_nodes"],
    "growth": ["what"],
    "start": [],
    "memory": ["what", "model", "precision"],
}


def last_sittings(folder: Path) -> dict[str, pd.DataFrame]:
    """Return the rows of each part that was measured, of its cases' last sittings.

    Raises
    ------
    UserError
        If nothing was.
    """
    found = {}
    for part, case in CASES.items():
        path = folder / f"{part}.csv"
        if path.exists():
            rows = pd.read_csv(path)
            last = rows.groupby(case)[SITTING].transform("max") if case else rows[SITTING].max()
            found[part] = rows[rows[SITTING] == last].drop(columns=SITTING)
    if not found:
        raise UserError(f"--out {folder}: nothing was measured there; run `fog-flower bench`")
    return found


def facts_of(folder: Path, part: str) -> dict[str, Any]:
    """Return with what the last sitting of a part was made."""
    facts: dict[str, Any] = json.loads((folder / f"{part}.json").read_text())
    return facts
