"""Continues a sweep's stopped runs after their last complete round."""

import dataclasses
import shutil

from fog_flower.artifacts import CHECKPOINT_FILE
from fog_flower.data.load import load_dataset
from fog_flower.errors import UserError
from fog_flower.records.reading import read_run
from fog_flower.records.recorder import FINISHED
from simulations.quiet import without_native_chatter
from simulations.sweep.sweep_folder import STOPPED, set_aside_name
from simulations.sweep.sweep_plan import PlannedRun, SweepPlan


def from_where_it_stopped(plan: SweepPlan, run: PlannedRun) -> tuple[PlannedRun, str]:
    """Return the run, set to continue if it was stopped and can be, and a message about it.

    The run is unchanged and the message empty if it was not stopped. If it cannot be continued, its
    files are set aside and the run starts again.

    Parameters
    ----------
    plan : SweepPlan
        This process must hold its folder (``open_sweep``).
    run : PlannedRun
        A run that is not recorded.

    Raises
    ------
    UserError
        If the run's data cannot be loaded, or another process still makes the run.
    """
    place = plan.folder / STOPPED / run.name
    if not place.exists():
        return run, ""
    config = run.config.changed({"continue-from": str(place)})
    dataset = load_dataset(config)
    with without_native_chatter():
        from strategies.continuing.stopped_run import (  # noqa: PLC0415  (TensorFlow)
            StillGoesOnError,
            read_stopped,
        )
    try:
        last = read_stopped(config, dataset.sha256).checkpoint.server_round
    except StillGoesOnError:
        raise
    except UserError as error:
        place.rename(set_aside_name(plan, run))
        return run, f"{run.name} begins again: {error}"
    return dataclasses.replace(run, config=config), f"{run.name} continues after round {last}"


def forget_stopped(plan: SweepPlan, run: PlannedRun) -> None:
    """Remove the files of a stopped run if a record now contains its rounds."""
    place = plan.folder / run.name
    if read_run(place)["status"] != FINISHED and not (place / CHECKPOINT_FILE).exists():
        return  # it failed before it took the rounds over
    shutil.rmtree(plan.folder / STOPPED / run.name, ignore_errors=True)
