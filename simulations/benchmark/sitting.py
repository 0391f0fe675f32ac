"""The rows of the last sitting of each case: what is compared was measured in one sitting."""

from pathlib import Path

import pandas as pd

from fog_flower.errors import UserError
from simulations.benchmark.ledger import SITTING

# What of a part is compared with each other, and so stands in one sitting.
CASES: dict[str, list[str]] = {
    "throughput": ["model", "fog_nodes"],
    "shares": ["model", "fog_nodes"],
    "growth": ["what"],
    "scale": ["what"],
    "start": [],
    "memory": ["what", "model", "precision"],
    "private": ["model"],
}


def last_sittings(folder: Path) -> dict[str, pd.DataFrame]:
    """Return the rows of each part that was measured, of its cases' last sittings.

    Their column ``sitting`` says which.

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
            found[part] = rows[rows[SITTING] == last]
    if not found:
        raise UserError(f"--out {folder}: nothing was measured there; run `fog-flower bench`")
    return found


def describe_sittings(part: str, rows: pd.DataFrame) -> dict[str, str]:
    """Return which cases of a part were measured in which sitting; empty where it was only one."""
    case = CASES[part]
    if len(sittings := rows[SITTING].unique()) == 1:
        return {str(sittings[0]): ""}
    found: dict[str, list[str]] = {}
    for values, _ in rows.groupby([SITTING, *case], sort=False):
        sitting, *names = map(str, values)
        found.setdefault(sitting, []).append(" ".join(names))
    return {sitting: ", ".join(cases) for sitting, cases in found.items()}
