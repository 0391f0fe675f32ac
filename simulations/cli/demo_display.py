"""Terminal output of the demo: live progress of its runs, then the result."""

import time

import pandas as pd
from rich.table import Table

from simulations.cli.drawing import DrawingLines
from simulations.cli.terminal import Display, Terminal
from simulations.experiments.demo import told
from simulations.reports.demo.demo_page import Demo
from simulations.sweep.execute import Progress as SweepProgress
from simulations.sweep.sweep_plan import PlannedRun, SweepPlan

LEDGER_ROWS = 3  # of the ledger's first lines that are printed
DRAWING = "drawing digits"


class DemoDisplay(Display):
    """A progress bar per run in a terminal, or a line per round of each run in a log."""

    def __init__(self, terminal: Terminal, plan: SweepPlan) -> None:
        super().__init__(terminal, "")
        self.drawing_seconds = 0.0
        self.made = 0  # runs ended
        self._lines = DrawingLines(terminal)
        self._drawing = self._bar.add_task(DRAWING, total=None, visible=False)
        self._names = {run.name: _told(run) for run in plan.runs}
        self._tasks = {
            run.name: self._bar.add_task(
                f"{self._names[run.name]}: waiting", total=run.config.num_server_rounds
            )
            for run in plan.runs
        }
        self._last: dict[str, str] = {}
        self._ended = ""
        self._began = 0.0

    def drawn(self, done: int, total: int) -> None:
        """Show how many images have been rendered."""
        now = time.monotonic()
        self._began = self._began or now
        self.drawing_seconds = now - self._began
        self._bar.update(self._drawing, completed=done, total=total, visible=done < total)
        self._lines(done, total)

    def update(self, progress: SweepProgress) -> None:
        """Show the state of the run that ``progress`` describes."""
        if progress.last != self._ended:
            self._ended = progress.last
            name = progress.last.partition(": ")[0]
            if name in self._tasks:
                self.made += 1
                task = self._bar.tasks[self._tasks[name]]
                self._bar.update(task.id, completed=task.total)
            self._terminal.say(progress.last.replace(name, self._names.get(name, name), 1))
        run = progress.run
        if run is None or self._last.get(run.name) == progress.round_text:
            return
        self._last[run.name] = progress.round_text
        words = f"{self._names[run.name]}: {progress.round_text}"
        number = progress.round_text.removeprefix("round ").partition("/")[0]
        done = int(number) if number.isdecimal() else 0
        self._bar.update(self._tasks[run.name], completed=done, description=words)
        if not self._terminal.is_terminal:
            self._terminal.say(words)


def print_demo(terminal: Terminal, demo: Demo) -> None:
    """Print the result, the first lines of the ledger, the time spent, and the files written."""
    terminal.say("")
    terminal.print(demo.finding)
    _print_table(terminal, demo.table)
    terminal.say(f"first lines of the ledger (the page has all {len(demo.ledger)}):")
    _print_table(terminal, demo.ledger.head(LEDGER_ROWS))
    spent = demo.time.itertuples(index=False)
    terminal.say(f"time: {', '.join(f'{part} {seconds} s' for part, seconds in spent)}")
    terminal.say(f"picture: {demo.picture}")
    terminal.say(f"page: {demo.page}")
    terminal.say("next: fog-flower run, a run with your own settings (fog-flower keys)")
    terminal.say("      fog-flower compare, strategies under attack (fog-flower compare --help)")


def _print_table(terminal: Terminal, found: pd.DataFrame) -> None:
    table = Table(*found.columns)
    for row in found.itertuples(index=False):
        table.add_row(*map(str, row))
    terminal.print(table)


def _told(run: PlannedRun) -> str:
    return told(int(str(run.cell.tags["malicious"])), str(run.cell.tags["strategy"]))
