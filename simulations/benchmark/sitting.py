"""The rows of the last sitting of each part."""

import json
from pathlib import Path
from typing import Any

import pandas as pd

from fog_flower.errors import UserError
from simulations.benchmark.ledger import SITTING
from simulations.benchmark.parts import PARTS


def last_sittings(folder: Path) -> dict[str, pd.DataFrame]:
    """Return the rows of each part that was measured.

    Raises
    ------
    UserError
        If nothing was.
    """
    found = {}
    for part in PARTS:
        path = folder / f"{part}.csv"
        if path.exists():
            rows = pd.read_csv(path)
            found[part] = rows[rows[SITTING] == rows[SITTING].iloc[-1]].drop(columns=SITTING)
    if not found:
        raise UserError(f"--out {folder}: nothing was measured there; run `fog-flower bench`")
    return found


def facts_of(folder: Path, part: str) -> dict[str, Any]:
    """Return with what the last sitting of a part was made."""
    facts: dict[str, Any] = json.loads((folder / f"{part}.json").read_text())
    return facts
