"""Terminal output of a run's privacy ledger."""

import json
import textwrap
from pathlib import Path

from rich.table import Table

from simulations.cli.terminal import Terminal, styled
from simulations.visible import visible
from strategies.ledger import LEDGER

INDENT = "    "


def print_ledger(terminal: Terminal, folder: Path) -> None:
    """Print a run's releases that promise something, with their mechanisms and what is not covered.

    Releases without a promise are only named. If no release has one, this is a single line.

    Prints nothing if the run has no ledger, as in older versions.
    """
    path = folder / LEDGER
    if not path.exists():
        return
    told = json.loads(path.read_text())
    rows = [row for row in told["releases"] if row["epsilon"] is not None and row["epsilon"] > 0]
    if not rows:
        terminal.say(f"privacy: no release has a promise ({LEDGER})")
        return
    table = Table(
        "release", "from", "to", "epsilon", "delta", "of", title=f"privacy, from {LEDGER}"
    )
    for row in rows:
        epsilon = f"{row['epsilon']:.3g}"
        again = row["noise_can_be_drawn_again"]
        table.add_row(
            *(row[name] for name in ("release", "from", "to")),
            styled(f"{epsilon}, seeded", "red") if again else epsilon,
            f"{row['delta']:.1g}",
            row["unit"],
        )
    terminal.print(table)
    for row in rows:
        gaps = "; ".join(row["not_covered"])
        text = f"{row['release']}: {row['mechanism']}" + (f"; not covered: {gaps}" if gaps else "")
        for line in textwrap.wrap(visible(text), terminal.width, subsequent_indent=INDENT):
            terminal.say(line)
    open_ones = [
        f"{row['release']} ({row['from']} to {row['to']})"
        for row in told["releases"]
        if row["epsilon"] is None
    ]
    terminal.say(f"nothing is promised for: {'; '.join(open_ones)}")
    if told["warning"]:
        terminal.say(told["warning"])
