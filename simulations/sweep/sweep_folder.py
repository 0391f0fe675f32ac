"""A sweep's folder: recorded, stopped and set-aside runs, and the lock of the folder."""

import contextlib
import json
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import filelock

from fog_flower.architecture import Scalar
from fog_flower.artifacts import CHECKPOINT_FILE
from fog_flower.data.sources.rendered_digits import NAME as RENDERED
from fog_flower.errors import UserError
from fog_flower.records.files import write_json
from fog_flower.records.reading import read_rounds, read_run
from fog_flower.records.recorder import FAILED, FINISHED
from fog_flower.records.run_folder import folder_of
from fog_flower.records.same_run import first_difference
from fog_flower.renamed import in_new_names
from fog_flower.suggestion import check_known
from fog_flower.user_code import USER_CODE, changed_file
from simulations.experiments import EXPERIMENTS, Experiment
from simulations.experiments.table2 import TABLE2
from simulations.sweep.sweep_plan import STAGING, PlannedRun, SweepPlan

PLAN, LOCK, SET_ASIDE = "sweep.json", ".lock", ".set-aside"
STOPPED = ".stopped"  # stopped runs, until they are continued and have ended


@contextlib.contextmanager
def open_sweep(plan: SweepPlan) -> Iterator[None]:
    """Lock the sweep's folder for this process, and sort runs that a killed process left there.

    Raises
    ------
    UserError
        If another process has locked it, it holds another sweep, or it cannot be written.
    """
    try:
        plan.folder.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(plan.folder / LOCK, timeout=0)
        lock.acquire()
    except filelock.Timeout as error:
        raise UserError(
            f"--out {plan.folder}: another sweep is running there; wait for it, or use another"
        ) from error
    except OSError as error:
        reason = error.strerror or str(error)
        raise UserError(
            f"--out {plan.folder}: cannot write there ({reason}); use another --out"
        ) from error
    try:
        _check_identity(plan)
        _keep_stopped(plan.folder)
        yield
    finally:
        lock.release()


def read_plan(folder: Path) -> dict[str, Any]:
    """Return the ``SweepPlan.identity`` of the sweep in a folder; empty if there is no sweep."""
    path = folder / PLAN
    found: dict[str, Any] = json.loads(path.read_text()) if path.exists() else {}
    if "overrides" in found:
        found["overrides"] = in_new_names(found["overrides"])
    return found


def left_out(folder: Path, beside: Sequence[Path]) -> list[Path]:
    """Return sweeps next to ``folder`` whose rows belong beside its own, except ``beside``.

    A report without them lacks their rows. Only sweeps of table2 belong together, if they have the
    same data set, and the same scale or a variant of it.
    """
    ours = read_plan(folder)
    if ours.get("experiment") != TABLE2.name:
        return []
    taken = {path.resolve() for path in (folder, *beside)}
    others = {plan.parent: read_plan(plan.parent) for plan in folder.parent.glob(f"*/{PLAN}")}
    return sorted(
        path
        for path, made in others.items()
        if path.resolve() not in taken
        and made["experiment"] == TABLE2.name
        and fits_beside(ours["scale"], made["scale"])
        and made["overrides"].get("dataset") == ours["overrides"].get("dataset")
    )


def fits_beside(ours: str, theirs: str) -> bool:
    """Check whether ``theirs`` is the same scale of table2 as ``ours``, or a variant of it."""
    return ours == theirs or (theirs in TABLE2.scales and TABLE2.scales[theirs].beside == ours)


def recorded_status(plan: SweepPlan, run: PlannedRun, *, repeat_changed: bool = False) -> str:
    """Return ``finished`` or ``failed`` if the run is recorded, else an empty string.

    With ``repeat_changed``, a record that was made with other code of the user does not count.

    Raises
    ------
    UserError
        If the record was made with another configuration, or with other code of the user.
    """
    record = read_run(plan.folder / run.name)
    if not record:
        return ""
    check_same_settings(plan.folder / run.name, run.config.to_run_config(), record["config"])
    if changed := _changed_code(record, run):
        if repeat_changed:
            return ""
        raise UserError(
            f"{plan.folder / run.name} was made with another {changed}: --repeat-changed makes "
            "such runs again, and keeps the others; or choose another --out"
        )
    status = str(record["status"])
    return status if status in (FINISHED, FAILED) else ""


def rounds_made(plan: SweepPlan, run: PlannedRun) -> int:
    """Return how many rounds of a stopped run can be continued; 0 if it was not stopped."""
    places = (plan.folder / parent / run.name for parent in (STAGING, STOPPED))
    made = [len(read_rounds(place)) - 1 for place in places if (place / CHECKPOINT_FILE).exists()]
    return max([0, *made])


def set_aside_changed(plan: SweepPlan) -> int:
    """Move records aside that were made with other code of the user; return how many."""
    changed = 0
    for run in plan.runs:
        record = read_run(plan.folder / run.name)
        if record and _changed_code(record, run):
            (plan.folder / run.name).rename(set_aside_name(plan, run))
            changed += 1
    return changed


def _changed_code(record: Mapping[str, Any], run: PlannedRun) -> str:
    """Return a file of the user that has changed since the record; empty if there is none."""
    return changed_file(record.get(USER_CODE) or {}, run.code)


def check_same_settings(
    place: Path, ours: Mapping[str, Scalar], theirs: Mapping[str, Scalar]
) -> None:
    """Check that a record was made with the same settings, as far as it contains them.

    Raises
    ------
    UserError
        With the first setting that differs.
    """
    if (key := first_difference(ours, theirs)) is not None:
        raise UserError(
            f"{place} was made with {key}={theirs[key]!r}, not {ours[key]!r}: "
            "choose another --out, or move it away"
        )


def note_start(plan: SweepPlan, run: PlannedRun) -> None:
    """Note beside a run in staging what its record will be told, in case the sweep is killed."""
    note = _note_of(plan.folder, run.name)
    note.parent.mkdir(parents=True, exist_ok=True)
    write_json(note, _of_sweep(run))


def keep_run(plan: SweepPlan, run: PlannedRun, cause: str) -> dict[str, Any]:
    """Move an ended run from staging to its place, atomically, and return its record."""
    staged = folder_of(run.config)
    place = plan.folder / run.name
    if not (staged / "run.json").exists():  # it failed before its recorder started
        staged.mkdir(parents=True, exist_ok=True)
        facts = {"seed": run.seed, "config": run.config.to_run_config()}
        write_json(
            staged / "run.json",
            {"status": FAILED, "cause": cause, "final": {}, "seconds": 0, **facts},
        )
    _add(staged, _of_sweep(run))
    _note_of(plan.folder, run.name).unlink(missing_ok=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        raise UserError(f"{place} exists now: another process wrote it; nothing was overwritten")
    staged.rename(place)
    return read_run(place)


def make_again(plan: SweepPlan, run: PlannedRun) -> None:
    """Move a failed run's record: to the stopped runs if it has a checkpoint, else aside."""
    place = plan.folder / run.name
    if (place / CHECKPOINT_FILE).exists():
        _move_to_stopped(plan.folder, place, run.name)
    else:
        place.rename(set_aside_name(plan, run))


def set_aside_name(plan: SweepPlan, run: PlannedRun) -> Path:
    """Return a new path for files of a run that are set aside."""
    target = plan.folder / SET_ASIDE / f"{run.cell.name}-seed-{run.seed}-{time.time_ns()}"
    target.parent.mkdir(parents=True, exist_ok=True)
    return target


def _keep_stopped(folder: Path) -> None:
    """Keep the runs in staging that finished or can be continued, and delete the others."""
    for record in sorted((folder / STAGING).rglob("run.json")):
        run = record.parent
        name = str(run.relative_to(folder / STAGING))
        if (run / CHECKPOINT_FILE).exists():
            _move_to_stopped(folder, run, name)
        elif read_run(run).get("status") == FINISHED and not (folder / name).exists():
            if (note := _note_of(folder, name)).exists():
                _add(run, json.loads(note.read_text()))
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            run.rename(folder / name)
    shutil.rmtree(folder / STAGING, ignore_errors=True)


def _of_sweep(run: PlannedRun) -> dict[str, Any]:
    """Return what a sweep adds to a run's record: code of the user's, and what its cell is."""
    code: dict[str, Any] = {USER_CODE: dict(run.code)} if run.code else {}
    return code | ({"cell": dict(run.cell.tags)} if run.cell.tags else {})


def _add(run: Path, told: Mapping[str, Any]) -> None:
    if told:
        write_json(run / "run.json", {**read_run(run), **told})


def _note_of(folder: Path, name: str) -> Path:
    return folder / STAGING / f"{name}.json"


def _move_to_stopped(folder: Path, run: Path, name: str) -> None:
    place = folder / STOPPED / name
    shutil.rmtree(place, ignore_errors=True)  # ``run`` contains the rounds of the older one
    place.parent.mkdir(parents=True, exist_ok=True)
    run.rename(place)


def _check_identity(plan: SweepPlan) -> None:
    path, identity = plan.folder / PLAN, plan.identity()
    if not path.exists():
        write_json(path, identity)
        return
    theirs = read_plan(plan.folder)
    if theirs != identity:
        raise UserError(
            f"--out {plan.folder}: it holds the sweep {theirs}, which is not {identity}; "
            "use another --out"
        )


def find_experiment(name: str) -> Experiment:
    """Return the experiment of that name, and raise ``UserError`` if it is unknown."""
    check_known(f"experiment {name!r}", name, EXPERIMENTS)
    return EXPERIMENTS[name]


def sweep_folder(experiment: str, scale: str, dataset: str, out: str) -> Path:
    """Return ``out``, or the default folder, which differs by experiment, scale and data set."""
    if out:
        return Path(out).expanduser().absolute()
    source = (
        "" if dataset in ("", RENDERED) else f"-{Path(dataset.partition(':')[2] or dataset).stem}"
    )
    return Path("results", experiment, f"{scale}{source}").absolute()
