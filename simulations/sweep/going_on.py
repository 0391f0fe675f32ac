"""A sweep goes on with a run that was stopped, from its last complete round."""

import dataclasses
import shutil
from collections.abc import Mapping
from pathlib import Path

from fog_flower.artifacts import CHECKPOINT_FILE
from fog_flower.data.sources import load_dataset
from fog_flower.errors import UserError
from simulations.quiet import without_native_chatter
from simulations.sweep.folder import STOPPED, set_aside_name
from simulations.sweep.plan import PlannedRun, SweepPlan


def from_where_it_stopped(
    plan: SweepPlan, run: PlannedRun, failed: Mapping[str, Path]
) -> tuple[PlannedRun, str]:
    """Return the run such that it goes on, if it was stopped and can, and what to tell of it.

    Parameters
    ----------
    plan : SweepPlan
        Its folder is held.
    run : PlannedRun
        Not recorded.
    failed : mapping
        Where records of failed runs were set aside just now, by the run's name.

    Raises
    ------
    UserError
        If the run's data cannot be had.
    """
    stopped = plan.folder / STOPPED / run.name
    place = next(
        (p for p in (stopped, failed.get(run.name)) if p and (p / CHECKPOINT_FILE).exists()), None
    )
    if place is None:
        return run, ""
    config = dataclasses.replace(run.config, continue_from=str(place))
    dataset = load_dataset(config)
    with without_native_chatter():
        from simulations.continuing.stopped_run import read_stopped  # noqa: PLC0415  (TensorFlow)
    try:
        last = read_stopped(config, dataset.sha256).checkpoint.server_round
    except UserError as error:
        if place == stopped:
            place.rename(set_aside_name(plan, run))
        return run, f"{run.name} begins again: {error}"
    return dataclasses.replace(run, config=config), f"{run.name} goes on after round {last}"


def forget_stopped(plan: SweepPlan, run: PlannedRun) -> None:
    """Remove what was kept of a stopped run that is recorded now, its rounds among the record's."""
    shutil.rmtree(plan.folder / STOPPED / run.name, ignore_errors=True)
