"""Terminal output of a sweep: its plan, then its progress."""

from rich.table import Column, Table

from simulations.cli.drawing import DrawingLines
from simulations.cli.terminal import Terminal, progress_bar
from simulations.sweep.execute import Progress as SweepProgress
from simulations.sweep.run_times import Estimator
from simulations.sweep.sweep_folder import recorded_status
from simulations.sweep.sweep_plan import PlannedRun, SweepPlan


def print_plan(terminal: Terminal, plan: SweepPlan, engine: str, jobs: int = 1) -> None:
    """Print each cell with its runs, how many are recorded, and the estimated time for the others.

    The estimate assumes ``jobs`` runs in parallel.
    """
    estimator = Estimator(plan)
    where = f"engine {engine}; records in {plan.folder}/"
    timed = estimator.source
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
    cells: dict[str, list[PlannedRun]] = {}
    for run in plan.runs:
        cells.setdefault(run.cell.name, []).append(run)
    missing = [run for run in plan.runs if not recorded_status(plan, run)]
    for name, runs in cells.items():
        to_do = [run for run in runs if run in missing]
        estimated = f"{len(to_do)}, {duration(estimator.seconds(to_do) / jobs)}" if to_do else "-"
        seeds = _span([run.seed for run in runs])
        table.add_row(name, seeds, str(len(runs) - len(to_do)), estimated)
    table.add_section()
    total = duration(estimator.seconds(missing) / jobs)
    recorded = str(len(plan.runs) - len(missing))
    table.add_row("all", "", recorded, f"{len(missing)}, about {total}" if missing else "-")
    terminal.print(table)


class SweepDisplay:
    """A progress bar for the whole sweep in a terminal; a line for each run that ends."""

    def __init__(self, terminal: Terminal) -> None:
        self._terminal = terminal
        self._last = ""
        self._drawing = DrawingLines(terminal)
        self._bar = progress_bar(terminal, "run")
        self._task = self._bar.add_task("checking")

    def __enter__(self) -> "SweepDisplay":
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def drawn(self, done: int, total: int) -> None:
        """Show how many examples have been rendered."""
        told = f"drawing digits: {done:,} of {total:,}"
        self._bar.update(self._task, description=told if done < total else "checking")
        if not self._terminal.is_terminal:
            self._drawing(done, total)

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
            line = f"{done}/{progress.total} {progress.last}, ETA {eta}"
            self._terminal.say(line)


def duration(seconds: float) -> str:
    """Format seconds as ``40 s``, ``12 min`` or ``1 h 05 min``."""
    if seconds < 90:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60:02d} min"


def _span(seeds: list[int]) -> str:
    first, last = min(seeds), max(seeds)
    consecutive = sorted(seeds) == list(range(first, last + 1))
    return f"{first}-{last}" if consecutive and last > first else ",".join(map(str, seeds))
