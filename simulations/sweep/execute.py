"""Makes the missing runs of a plan."""

import dataclasses
from collections.abc import Callable, Iterator, Sequence

from fog_flower.data.dataset import Progress as Drawn
from fog_flower.errors import UserError
from fog_flower.records.recorder import FAILED, FINISHED
from simulations.engines import INLINE, Outcome, engine_named
from simulations.engines.orphan_watch import this_process
from simulations.preflight import check
from simulations.sweep.pool import STARTING, Started, last_round, run_together
from simulations.sweep.progress_file import Told, write_progress
from simulations.sweep.run_times import Estimator
from simulations.sweep.stopped_runs import forget_stopped, from_where_it_stopped
from simulations.sweep.sweep_folder import (
    keep_run,
    make_again,
    note_start,
    open_sweep,
    recorded_status,
)
from simulations.sweep.sweep_plan import PlannedRun, SweepPlan


@dataclasses.dataclass
class Progress:
    """Progress of a sweep.

    Attributes
    ----------
    statuses : list of str
        Status of each recorded run: finished or failed.
    round_text : str
        State of the run in progress, e.g. ``round 3/16, test 71.20%``.
    last : str
        Message about the run that ended or was continued last.
    """

    total: int
    statuses: list[str]
    remaining_seconds: float
    run: PlannedRun | None = None
    round_text: str = ""
    last: str = ""


def execute(
    plan: SweepPlan,
    engine: str,
    show: Callable[[Progress], None],
    *,
    retry_failed: bool = False,
    jobs: int = 1,
    drawn: Drawn | None = None,
) -> list[str]:
    """Make the runs that are not recorded yet; a run that fails does not end the sweep.

    Parameters
    ----------
    plan : SweepPlan
    engine : str
        ``ray`` or ``inline``.
    show : callable
        Called with the progress of the sweep whenever it changes.
    retry_failed : bool
        Repeat failed runs. A run with a checkpoint continues after its last complete round; any
        other starts again, and its old record is set aside.
    jobs : int
        Runs in parallel; more than one needs the inline engine.
    drawn : callable, optional
        Called with (done, total) while examples are generated.

    Returns
    -------
    statuses : list of str
        Of all runs of the plan, in order.

    Raises
    ------
    UserError
        If a check fails before the first run, or a worker process dies.
    KeyboardInterrupt
        On Ctrl-C. Records stay, and the next call continues the run in progress.
    """
    engine_named(engine)
    if jobs > 1 and engine != INLINE:
        raise UserError(f"--jobs {jobs}: --engine {engine} takes all cores itself; use inline")
    with open_sweep(plan):
        statuses = {run.name: recorded_status(plan, run) for run in plan.runs}
        if retry_failed:
            _forget_failed(plan, statuses)
        missing = [run for run in plan.runs if not statuses[run.name]]
        _check_all(missing, drawn)
        estimator = Estimator(plan)
        seconds = estimator.seconds(missing) / jobs
        progress = Progress(len(plan.runs), [s for s in statuses.values() if s], seconds)
        for number, run in enumerate(missing):
            missing[number], told = from_where_it_stopped(plan, run)
            if told:
                progress.last = told
                show(progress)
        left = {run.name: run for run in missing}

        def tell() -> None:
            told = Told(progress.total, progress.remaining_seconds, this_process())
            write_progress(plan.folder, told)
            show(progress)

        def started(run: PlannedRun, round_text: str = STARTING) -> None:
            if round_text == STARTING:
                note_start(plan, run)
            progress.run, progress.round_text = run, round_text
            progress.remaining_seconds = estimator.seconds(left.values()) / jobs
            tell()

        made = (
            run_together(missing, jobs, started)
            if jobs > 1
            else _run_each(missing, engine, started, drawn)
        )
        for run, outcome in made:
            record = keep_run(plan, run, outcome.cause)
            forget_stopped(plan, run)
            del left[run.name]
            statuses[run.name] = str(record["status"])
            if record["status"] == FINISHED:
                estimator.learn(run, float(record["seconds"]))
            progress.statuses.append(statuses[run.name])
            progress.last = _describe(run, record)
            progress.remaining_seconds = estimator.seconds(left.values()) / jobs
            tell()
    return list(statuses.values())


def _forget_failed(plan: SweepPlan, statuses: dict[str, str]) -> None:
    for run in plan.runs:
        if statuses[run.name] == FAILED:
            make_again(plan, run)
            statuses[run.name] = ""


def _run_each(
    runs: Sequence[PlannedRun], engine: str, started: Started, drawn: Drawn | None
) -> Iterator[tuple[PlannedRun, Outcome]]:
    launch = engine_named(engine)
    for run in runs:
        started(run, STARTING)

        def watch(rows: list[dict[str, str]], run: PlannedRun = run) -> None:
            started(run, last_round(run, rows))

        check(run.config, drawn)
        yield run, launch(run.config, watch)


def _check_all(runs: list[PlannedRun], drawn: Drawn | None) -> None:
    """Check one run of each cell before the first run, because its runs only differ by seed."""
    for run in {run.cell.name: run for run in reversed(runs)}.values():
        check(run.config, drawn)


def _describe(run: PlannedRun, record: dict[str, object]) -> str:
    final = record["final"]
    if record["status"] != FINISHED or not isinstance(final, dict):
        return f"{run.name}: {record['status']}: {record.get('cause')}"
    diverged = ", diverged" if final["diverged"] else ""
    return (
        f"{run.name}: test {100 * final['test_accuracy']:.2f}%{diverged}, {record['seconds']:.0f} s"
    )
