"""Current state of a run or a sweep, from its records alone."""

import dataclasses
import io
import json
import math
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from fog_flower.errors import UserError
from fog_flower.records.curves import curves_of
from fog_flower.records.reading import (
    Row,
    figures_so_far,
    is_orphan,
    read_rounds,
    read_run,
    seconds_of,
    typed_rows,
)
from fog_flower.records.recorder import RUNNING
from fog_flower.records.run_folder import default_parent
from simulations.engines.orphan_watch import is_alive
from simulations.overrides import RESULTS
from simulations.reports.page import svg_as_data
from simulations.sweep.progress_file import read_progress
from simulations.sweep.sweep_folder import PLAN
from simulations.sweep.sweep_plan import STAGING
from simulations.visible import counted
from simulations.watch.sweep_picture import draw_runs

STOPPED = "stopped: no process makes it any more"
SHOWN = 40  # runs in the table of a sweep: the latest
READ = ("run.json", "rounds.csv", "updates.csv")


@dataclasses.dataclass(frozen=True)
class Look:
    """Content of the page.

    Attributes
    ----------
    state : str
        Progress and remaining time, in one sentence.
    picture : str
        The picture as a ``data:`` URL; empty before there is something to draw.
    shows : str
        What the picture shows.
    """

    title: str
    state: str
    picture: str
    shows: str
    tables: Mapping[str, pd.DataFrame]
    notes: tuple[str, ...] = ()


def find_watched(name: str) -> Path:
    """Return the folder of a run or a sweep, given its path or its name.

    A name is looked up under ``results/runs``, and then where plain ``flwr run`` puts its runs.

    Parameters
    ----------
    name : str
        If empty, the folder under ``results/runs`` that changed last (by its ctime).

    Raises
    ------
    UserError
        If there is no such run or sweep.
    """
    if not name:
        begun = [path for path in RESULTS.glob("*") if is_watched(path)]
        if not begun:
            raise UserError(
                f"nothing is recorded in {RESULTS} yet: begin with `fog-flower run`, or name the "
                "folder of a run or sweep"
            )
        return max(begun, key=lambda path: path.stat().st_ctime)
    places = (Path(name), RESULTS / name, default_parent() / name)
    for folder in places:
        if is_watched(folder):
            return folder
    raise UserError(
        f"{name!r} is neither a run nor a sweep: there is no run.json and no {PLAN} in "
        f"{', '.join(map(str, places))}; a run has a folder once its data is loaded"
    )


def is_watched(folder: Path) -> bool:
    """Check whether a folder is that of a run or of a sweep."""
    return (folder / "run.json").is_file() or (folder / PLAN).is_file()


def version_of(folder: Path) -> str:
    """Return a string that changes whenever there is something new to show."""
    times = [
        path.stat().st_mtime_ns
        for place in (folder, *_runs_below(folder))
        for path in (place / name for name in READ)
        if path.exists()
    ]
    alive = _is_alive(folder) if (folder / PLAN).exists() else not is_orphan(folder)
    return f"{len(times)}-{max(times, default=0)}-{sum(times) % 2**32}-{alive:d}"


def look_at(folder: Path) -> Look:
    """Return the current state of a run or a sweep."""
    return _look_at_sweep(folder) if (folder / PLAN).is_file() else _look_at_run(folder)


def _look_at_run(folder: Path) -> Look:
    run, rows = read_run(folder), typed_rows(folder / "rounds.csv")
    config, status = run["config"], str(run["status"])
    if status == RUNNING and is_orphan(folder):
        run, status = {**run, **figures_so_far(folder)}, STOPPED
    done, wanted = len(rows) - 1, int(config["num-server-rounds"])
    told = [f"{status}: round {max(done, 0)} of {wanted}"]
    if rows:
        told.append(f"test accuracy {_percent(rows[-1]['test_accuracy'])}")
    if status == RUNNING and done > 0:
        left = seconds_of(rows) / done * (wanted - done)
        told.append(f"about {_duration(left)} left")
    data = str(run.get("data", {}).get("name", "unknown data"))
    picture = ""
    if done > 0 and len(typed_rows(folder / "updates.csv")):
        picture = _as_svg(curves_of(folder, f"{config['model']} on {data}"))
    return Look(
        title=folder.name,
        state=", ".join(told) + ".",
        picture=picture,
        shows="accuracy per round, and which fog node was accepted",
        tables=_last_decisions(folder) if done > 0 else {},
        notes=(
            f"Data: {data}; model {config['model']}, strategy {config['strategy']}, gate "
            f"{config['gate']}.",
            *([f"Cause: {run['cause']}"] if run.get("cause") else []),
            *(f"Round {row['round']}: {row['note']}" for row in rows[-5:] if row["note"]),
        ),
    )


def _last_decisions(folder: Path) -> dict[str, pd.DataFrame]:
    updates = typed_rows(folder / "updates.csv")
    if not updates:
        return {}
    last = updates[-1]["round"]
    rows = [row for row in updates if row["round"] == last]
    table = pd.DataFrame(
        {
            "fog node": row["fog_node"],
            "update": "accepted" if row["accepted"] else "refused",
            "reason": row["reason"],
            "accepted so far": _accepted(updates, row["fog_node"]),
        }
        for row in rows
    )
    return {f"Who was accepted in round {last}": table}


def _accepted(updates: list[Row], fog_node: int) -> str:
    decided = [update["accepted"] for update in updates if update["fog_node"] == fog_node]
    return f"{sum(decided)} of {len(decided)}"


def _look_at_sweep(folder: Path) -> Look:
    plan, progress = json.loads((folder / PLAN).read_text()), read_progress(folder)
    alive = _is_alive(folder)
    runs = {_name(folder, place): place for place in _runs_below(folder)}
    ended = sum(not _in_progress(folder, place) for place in runs.values())
    total = max(progress.total, ended) if progress else ended
    told = [f"{plan['experiment']}: {ended} of {counted(total, 'run')} ended"]
    if not alive and ended < total:
        told.append("no process is running; repeat the command to continue")
    elif alive and progress and not math.isnan(progress.remaining_seconds):
        told.append(f"about {_duration(progress.remaining_seconds)} left")
    rows = [_row(folder, name, place) for name, place in runs.items()]
    rows.sort(key=lambda row: row.pop("_at"), reverse=True)
    curves = {name: read_rounds(place) for name, place in runs.items()}
    drawn = {name: rounds for name, rounds in curves.items() if len(rounds) > 1}
    going = {name for name, place in runs.items() if _in_progress(folder, place)}
    return Look(
        title=folder.name,
        state=", ".join(told) + ".",
        picture=_as_svg(draw_runs(drawn, going)) if drawn else "",
        shows="test accuracy per round of every run",
        tables={"Runs, the latest first": pd.DataFrame(rows[:SHOWN])} if rows else {},
        notes=(f"and {counted(len(rows) - SHOWN, 'run')} more",) if len(rows) > SHOWN else (),
    )


def _row(folder: Path, name: str, place: Path) -> dict[str, Any]:
    run, rounds = read_run(place), read_rounds(place)
    updates = typed_rows(place / "updates.csv")
    refused = sum(not update["accepted"] for update in updates)
    accuracy = float(rounds[-1]["test_accuracy"]) if rounds else math.nan
    return {
        "run": name,
        "status": str(run.get("status", "")) if not _in_progress(folder, place) else "in progress",
        "round": f"{max(len(rounds) - 1, 0)} of {run['config']['num-server-rounds']}",
        "test accuracy": _percent(accuracy),
        "updates refused": f"{refused} of {len(updates)}",
        "_at": (place / "run.json").stat().st_mtime,
    }


def _runs_below(folder: Path) -> Iterator[Path]:
    """Yield the folders of a sweep's runs, both ended and in progress."""
    if not (folder / PLAN).exists():
        return
    for path in sorted(folder.glob("**/seed-*/run.json")):
        parts = path.relative_to(folder).parts
        if not any(part.startswith(".") for part in parts) or parts[0] == STAGING:
            yield path.parent


def _in_progress(folder: Path, place: Path) -> bool:
    return place.relative_to(folder).parts[0] == STAGING


def _name(folder: Path, place: Path) -> str:
    return "/".join(part for part in place.relative_to(folder).parts if part != STAGING)


def _is_alive(folder: Path) -> bool:
    """Check whether a process is working on a sweep."""
    told = read_progress(folder)
    return told is not None and is_alive(told.process)


def _as_svg(figure: Figure) -> str:
    content = io.BytesIO()
    figure.savefig(content, format="svg", metadata={"Date": None})
    plt.close(figure)
    return svg_as_data(content.getvalue())


def _duration(seconds: float) -> str:
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"


def _percent(value: float) -> str:
    return "unknown" if math.isnan(value) else f"{value:.2%}"
