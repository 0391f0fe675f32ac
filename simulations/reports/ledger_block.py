"""The privacy ledger of a report's runs: a warning, a table, and what is missing."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from simulations.reports.formats import NONE
from simulations.reports.ledger_rows import LedgerRow, ledger_rows, read_ledger
from simulations.visible import counted

HEADING = "The ledger: what left each tier, and what is promised"
_KNOWN = (
    "whoever knows it can remove the noise. These figures show what protection costs; the runs "
    "protected nobody."
)
_AUDITED = (
    "audited: lower bounds of epsilon from `fog-flower audit`, each with its one-sided 95% "
    "interval; the largest of several attacks is too high more often than in 5%. Other version: of "
    "fog-flower, than the run's."
)
_NOT_AUDITED = "None of these runs was audited (`fog-flower audit RUN`)."


@dataclasses.dataclass(frozen=True)
class LedgerBlock:
    """What a report says of its runs' ledgers.

    Attributes
    ----------
    warning : str
        Empty unless the noise of a promise can be drawn again from the seed.
    table : DataFrame
        A row for all releases with the same guarantee; empty if nothing is promised.
    notes : sequence of str
        Sentences, also where there is no table.
    """

    warning: str
    table: pd.DataFrame
    notes: Sequence[str]


def ledger_block(runs: Sequence[Path], kept: str = "") -> LedgerBlock:
    """Return what a report says of the ledgers of its runs.

    Parameters
    ----------
    runs : sequence of Path
        The folders of runs.
    kept : str
        Names runs that have no folder, if there are any.
    """
    told = [run for run in runs if read_ledger(run)]
    rows, missing = ledger_rows(told), _missing(len(runs) - len(told), len(runs), kept)
    if not any(row.promises for row in rows):
        return LedgerBlock("", pd.DataFrame(), [*_nothing(rows, len(told)), *missing])
    each = [ledger_rows([run]) for run in told]
    promising = [of_run for of_run in each if any(row.promises for row in of_run)]
    seeded = [of_run for of_run in promising if any(row.seeded for row in of_run)]
    audited = any(row.audited for row in rows)
    table = pd.DataFrame(_shown(row, len(told)) for row in rows)
    return LedgerBlock(
        _warning(len(seeded), len(promising)),
        table if audited else table.drop(columns="audited"),
        [_AUDITED if audited else _NOT_AUDITED, *missing],
    )


def without_ledger(text: str) -> str:
    """Return the Markdown of a report with its ledger's warning in place of the whole section."""
    before, found, section = text.partition(f"\n\n## {HEADING}\n\n")
    warning = section.partition("\n\n")[0]
    return f"{before}\n\n{warning}" if warning.startswith("**") else before if found else text


def _warning(seeded: int, promising: int) -> str:
    if not seeded:
        return ""
    if seeded == promising:
        return f"Noise was drawn from the run's seed: {_KNOWN}"
    return f"Noise of {seeded} of {promising} runs was drawn from the run's seed: {_KNOWN}"


def _nothing(rows: Sequence[LedgerRow], runs: int) -> list[str]:
    """Return a sentence with the releases of runs that promise nothing."""
    names = dict.fromkeys(name for row in rows for name in row.release.split("; "))
    which = "this run" if runs == 1 else f"these {runs} runs"
    return [f"No release of {which} promises any privacy: {'; '.join(names)}."] * bool(runs)


def _missing(missing: int, runs: int, kept: str) -> list[str]:
    notes = []
    if missing:
        which = f"any of {counted(runs, 'run')}" if missing == runs else f"{missing} of {runs} runs"
        notes.append(f"No ledger was recorded for {which}.")
    return [*notes, *([f"No ledger was recorded for {kept}."] if kept else [])]


def _shown(row: LedgerRow, runs: int) -> dict[str, str]:
    return {
        "release": row.release,
        "from": row.source,
        "to": row.to,
        "unit": row.unit or NONE,
        "mechanism": row.mechanism,
        "epsilon": f"{row.promised}, seeded" if row.seeded else row.promised,
        "audited": str(row.audited or NONE),
        "not covered": "; ".join(row.uncovered) or NONE,
        "runs": f"{row.runs} of {runs}",
    }
