"""Terminal output of a sweep: its plan, then its progress."""

import time
from collections.abc import Mapping

from rich.table import Column, Table

from fog_flower.architecture import Scalar
from simulations.cli.drawing import DrawingLines
from simulations.cli.terminal import Display, Terminal
from simulations.experiments.attack_grid import ARGUMENTS
from simulations.sweep.execute import Progress as SweepProgress
from simulations.sweep.pool import STARTING
from simulations.sweep.run_times import Estimator
from simulations.sweep.sweep_folder import recorded_status, rounds_made
from simulations.sweep.sweep_plan import (
    PlannedRun,
    SweepPlan,
    common_settings,
    own_settings,
    seeds_as_typed,
)

PAUSE_SECONDS = 30.0  # between two lines about the rounds of runs in progress


def print_plan(
    terminal: Terminal,
    plan: SweepPlan,
    engine: str,
    jobs: int = 1,
    *,
    repeat_changed: bool = False,
) -> None:
    """Print each cell with its runs, how many are recorded, and the estimated time for the others.

    The settings of all runs, and arguments that a cell's name does not contain, are printed too.
    The estimate assumes ``jobs`` runs in parallel. With ``repeat_changed``, records that were made
    with other code of the user do not count.
    """
    if not plan.runs:
        terminal.say("every run is recorded: nothing to do")
        return
    estimator, common = Estimator(plan), common_settings(plan.runs)
    where = f"engine {engine}; records in {plan.folder}/"
    timed = estimator.source
    cells: dict[str, list[PlannedRun]] = {}
    for run in plan.runs:
        cells.setdefault(run.cell.name, []).append(run)
    arguments = {name: _arguments(runs[0], common) for name, runs in cells.items()}
    table = Table(
        Column("cell", overflow="fold"),
        "seeds",
        "recorded",
        "to do",
        title=f"{plan.experiment.name}, {plan.scale.name} scale: {plan.experiment.source}",
        caption="; ".join((plan.scale.told(plan.overrides), where, timed)),
        title_justify="left",
        caption_justify="left",
    )
    missing = [
        run for run in plan.runs if not recorded_status(plan, run, repeat_changed=repeat_changed)
    ]
    for name, runs in cells.items():
        to_do = [run for run in runs if run in missing]
        estimated = f"{len(to_do)}, {duration(estimator.seconds(to_do) / jobs)}" if to_do else "-"
        seeds = seeds_as_typed([run.seed for run in runs])
        table.add_row(name, seeds, str(len(runs) - len(to_do)), estimated)
    table.add_section()
    total = duration(estimator.seconds(missing) / jobs)
    recorded = str(len(plan.runs) - len(missing))
    table.add_row("all", "", recorded, f"{len(missing)}, about {total}" if missing else "-")
    terminal.print(table)
    told = " ".join(f"{key}={value}" for key, value in common.items())
    terminal.print(f"settings of every run, where they are not the default: {told}")
    for given, who in _further(plan, arguments).items():
        terminal.print(f"{given} for {', '.join(who)}")
    for run in missing:
        if made := rounds_made(plan, run):
            rounds = run.config.num_server_rounds
            terminal.say(f"{run.name}: {made} of {rounds} rounds are made already, and kept")


class SweepDisplay(Display):
    """A progress bar for the whole sweep in a terminal; a line for each run that ends.

    In a log there is also a line for each run that starts, and while runs go on one for a round
    every ``PAUSE_SECONDS``.
    """

    def __init__(self, terminal: Terminal) -> None:
        super().__init__(terminal, "run")
        self._last = ""
        self._begun = set[str]()
        self._said_at = time.monotonic()
        self._lines = DrawingLines(terminal)
        self._task = self._bar.add_task("checking")

    def drawn(self, done: int, total: int) -> None:
        """Show how many examples have been rendered."""
        told = f"drawing digits: {done:,} of {total:,}"
        self._bar.update(self._task, description=told if done < total else "checking")
        self._lines(done, total)

    def update(self, progress: SweepProgress) -> None:
        """Show the progress of the sweep."""
        done, eta = len(progress.statuses), duration(progress.remaining_seconds)
        name = progress.run.name if progress.run else ""
        self._bar.update(
            self._task,
            completed=done,
            total=progress.total,
            description=f"{name} {progress.round_text}, ETA {eta}",
        )
        if progress.last != self._last:
            self._last = progress.last
            self._say(f"{done}/{progress.total} {progress.last}, ETA {eta}")
        elif name and not self._terminal.is_terminal:
            if progress.round_text == STARTING and name not in self._begun:
                self._begun.add(name)
                self._say(f"{done}/{progress.total} {name} starts, ETA {eta}")
            elif time.monotonic() - self._said_at >= PAUSE_SECONDS:
                self._say(f"{done}/{progress.total} {name} {progress.round_text}, ETA {eta}")

    def _say(self, line: str) -> None:
        self._terminal.say(line)
        self._said_at = time.monotonic()


def duration(seconds: float) -> str:
    """Format seconds as ``40 s``, ``12 min`` or ``1 h 05 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def _arguments(run: PlannedRun, common: Mapping[str, Scalar]) -> str:
    """Return the arguments of a cell that neither its name nor the common settings contain."""
    own = own_settings(run.config.to_run_config())
    told = (key for key in ARGUMENTS if key in own and key not in common)
    return " ".join(f"{key}={own[key]}" for key in told if str(own[key]) not in run.cell.name)


def _further(plan: SweepPlan, arguments: Mapping[str, str]) -> dict[str, list[str]]:
    """Return who gets each text of arguments: labels of cells, or names where labels differ."""
    of_label: dict[str, set[str]] = {}
    for cell in plan.experiment.cells:
        if cell.name in arguments:
            of_label.setdefault(cell.label, set()).add(arguments[cell.name])
    found: dict[str, dict[str, None]] = {}
    for cell in plan.experiment.cells:
        if given := arguments.get(cell.name):
            who = cell.label if len(of_label[cell.label]) == 1 else cell.name
            found.setdefault(given, {})[who] = None
    return {given: list(who) for given, who in found.items()}
