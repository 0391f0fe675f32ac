"""What ``sweep`` and ``compare`` share: options, and how the runs of their plans are made."""

from typing import TYPE_CHECKING

import typer

from simulations.cli.terminal import terminal
from simulations.visible import counted

if TYPE_CHECKING:
    from simulations.sweep.sweep_plan import SweepPlan

DRY_RUN = typer.Option("--dry-run", help="show the plan only")
RETRY_FAILED = typer.Option("--retry-failed", help="repeat failed runs")
REPEAT_CHANGED = typer.Option("--repeat-changed", help="repeat runs whose code of yours changed")
JOBS = typer.Option(min=1, help="runs in parallel (inline engine)")


def check_code(plan: "SweepPlan", *, set_aside: bool) -> None:
    """Check all plug-ins of a plan, and move records of changed code aside if this is asked for."""
    from simulations.sweep.check_code import check_all_code  # noqa: PLC0415
    from simulations.sweep.sweep_folder import SET_ASIDE, set_aside_changed  # noqa: PLC0415

    check_all_code(plan)
    if set_aside:
        moved = set_aside_changed(plan)
        terminal.say(
            f"{counted(moved, 'record')} of changed code moved to {plan.folder / SET_ASIDE}"
        )


def make_runs(
    plan: "SweepPlan",
    engine: str,
    *,
    jobs: int,
    dry_run: bool,
    retry_failed: bool,
    repeat_changed: bool,
) -> int:
    """Print a plan, make its missing runs unless it is a dry run, and return how many failed."""
    from simulations.cli.sweep_display import SweepDisplay, print_plan  # noqa: PLC0415
    from simulations.sweep.execute import execute  # noqa: PLC0415

    print_plan(terminal, plan, engine, jobs, repeat_changed=repeat_changed)
    if dry_run:
        return 0
    with SweepDisplay(terminal) as display:
        statuses = execute(
            plan, engine, display.update, retry_failed=retry_failed, jobs=jobs, drawn=display.drawn
        )
    return sum(status != "finished" for status in statuses)
