"""Terminal output of a run's privacy ledger, with what audits of the run found."""

import textwrap
from collections.abc import Sequence
from pathlib import Path

from rich.table import Table
from rich.text import Text

from simulations.audits.audited import ELSEWHERE, audits_of, on_other_code
from simulations.cli.terminal import Terminal, styled
from simulations.reports.ledger_rows import LedgerRow, ledger_rows, read_ledger
from simulations.visible import visible
from strategies.ledger import LEDGER

INDENT = "    "
UNKNOWN, NO_MECHANISM = "-", "none"
_READING = (
    "audited: 95% lower bound of epsilon to infinity, the largest of several attacks (fog-flower "
    "audit)"
)
_OTHER_VERSION = "other version: another version of fog-flower than the run's made these attacks"


def print_ledger(terminal: Terminal, folder: Path) -> None:
    """Print all releases of a run: what is promised and was audited, mechanisms, what is uncovered.

    Releases with the same guarantee are in one row. Audits are those in the run's own folder, and
    those of the same settings below ``results/audit``.

    Prints nothing if the run has no ledger, as in older versions.
    """
    told = read_ledger(folder)
    if told is None:
        return
    rows = ledger_rows([folder], ELSEWHERE)
    table = Table("release", "from", "to", "epsilon", "audited", title=f"privacy, from {LEDGER}")
    for row in rows:
        table.add_row(row.release, row.source, row.to, _epsilon(row), _audited(row))
    terminal.print(table)
    if not any(row.promises for row in rows):
        terminal.say("no release has a promise")
    for row in rows:
        if text := _explained(row):
            _say(terminal, f"{row.release}: {text}")
    if continued := told.get("continued"):
        _say(terminal, continued)
    if told["warning"]:
        _say(terminal, told["warning"], "red")
    if audits := audits_of(folder, ELSEWHERE):
        _say(terminal, _READING)
        if any(row.audited and row.audited.other_version for row in rows):
            _say(terminal, _OTHER_VERSION)
        _list(terminal, folder, audits)


def _list(terminal: Terminal, folder: Path, audits: Sequence[Path]) -> None:
    """Print the path of each file of audits, and which of them do not count."""
    for path in audits:
        terminal.say(f"audit: {path}")
        for name, file in on_other_code(folder, path).items():
            _say(terminal, f"{INDENT}{name} does not count: the run had another {file}")


def _explained(row: LedgerRow) -> str:
    """Return mechanism, unit and gaps in words; empty if there is nothing to say."""
    parts = [row.mechanism] * (row.mechanism != NO_MECHANISM)
    parts += [f"unit: {row.unit}"] * bool(row.unit)
    parts += [f"not covered: {'; '.join(row.uncovered)}"] * bool(row.uncovered)
    return "; ".join(parts)


def _epsilon(row: LedgerRow) -> str | Text:
    return styled(f"{row.promised}, seeded", "red") if row.seeded else row.promised


def _audited(row: LedgerRow) -> str | Text:
    if row.audited is None:
        return UNKNOWN
    return styled(str(row.audited), "red") if row.audited.refuted else str(row.audited)


def _say(terminal: Terminal, text: str, style: str = "") -> None:
    """Print text, wrapped to the terminal's width."""
    for line in textwrap.wrap(visible(text), terminal.width, subsequent_indent=INDENT):
        terminal.print(styled(line, style))
