"""The rows of the latest session (sitting) of each case; only rows of one session are compared."""

from pathlib import Path

import pandas as pd

from fog_flower.errors import UserError
from simulations.benchmark.bench_tables import TABLES
from simulations.benchmark.ledger import SITTING


def last_sittings(folder: Path) -> dict[str, pd.DataFrame]:
    """Return the rows of each measured part, from the latest session of each of its cases.

    The column ``sitting`` contains the session.

    Raises
    ------
    UserError
        If nothing was measured.
    """
    found = {}
    for part, table in TABLES.items():
        path = folder / f"{part}.csv"
        if path.exists():
            rows, case = pd.read_csv(path), table.case
            last = rows.groupby([*case])[SITTING].transform("max") if case else rows[SITTING].max()
            found[part] = rows[rows[SITTING] == last]
    if not found:
        raise UserError(f"--out {folder}: nothing was measured there; run `fog-flower bench`")
    return found


def describe_sittings(part: str, rows: pd.DataFrame) -> dict[str, str]:
    """Return the cases of a part by session, as text; empty text if there was only one session."""
    if len(sittings := rows[SITTING].unique()) == 1:
        return {str(sittings[0]): ""}
    found: dict[str, list[str]] = {}
    for values, _ in rows.groupby([SITTING, *TABLES[part].case], sort=False):
        sitting, *names = map(str, values)
        found.setdefault(sitting, []).append(" ".join(names))
    return {sitting: ", ".join(cases) for sitting, cases in found.items()}
