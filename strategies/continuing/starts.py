"""Knows all runs that continued the same first one, and how many rounds each has trained.

Each start is noted in the folders of all runs of its tree, in a file of its own. So no folder has
to stay where it is. A note is an upper bound that is only lowered: of several copies, the lowest
holds, whoever wrote last.
"""

import csv
import dataclasses
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fog_flower.privacy.repeats import Repeats
from fog_flower.records.files import write_json
from fog_flower.records.reading import is_orphan, read_run, typed_rows
from fog_flower.records.recorder import RUNNING

NOTES = "continuations"  # folder in a run's folder
_UNREADABLE = (OSError, ValueError, KeyError, TypeError, AttributeError, csv.Error)
Record = Mapping[str, Any]  # the content of run.json


@dataclasses.dataclass(frozen=True)
class Start:
    """A start of a run, and what it has trained.

    Attributes
    ----------
    run : str
        ``flower_run_id`` in its record.
    folder : Path
        Where its records are, or were.
    rounds : int
        Rounds that it has trained, at most.
    known : bool
        Whether ``rounds`` is known from its records; otherwise these are all that it could train.
    starts : int
        More than 1: it stands for all starts before a run, of which only their number is known.
    """

    run: str
    folder: Path
    rounds: int
    known: bool
    starts: int = 1


@dataclasses.dataclass(frozen=True)
class Tree:
    """All starts that are known of runs that continued the same first one.

    Attributes
    ----------
    starts : tuple of Start
    folders : tuple of Path
        Folders of these runs that were found.
    """

    starts: tuple[Start, ...]
    folders: tuple[Path, ...]

    def without(self, start: Start) -> "Tree":
        """Return the tree without one start."""
        others = tuple(one for one in self.starts if one.run != start.run)
        return dataclasses.replace(self, starts=others)


def tree_of(folder: Path) -> Tree:
    """Return the tree of a stopped run.

    Its other runs are looked for where notes and records say, and beside each that was found.
    """
    record = read_run(folder)
    members = _members(folder, _first_run(record))
    starts = [start_in(folder, record, ended=is_orphan(folder))]
    starts += [start_in(*one) for one in members.items() if one[0] != folder]
    found: dict[str, Start] = {}
    for one in starts:  # of a run and its copy, the one that was copied earlier knows less
        found[one.run] = max(one, found.get(one.run, one), key=_rank)
    for one in _told(members):
        found[one.run] = min(one, found.get(one.run, one), key=_rank)
    return Tree(tuple(found.values()), tuple(members))


def start_in(folder: Path, record: Record, *, ended: bool = False) -> Start:
    """Return the start that made a run's records.

    It may have trained one round more than it recorded. If its end is not recorded, or the table
    of its rounds cannot be read, it is taken to train all rounds of its configuration.

    Parameters
    ----------
    folder : Path
    record : mapping
        The content of its ``run.json``.
    ended : bool
        Whether it has ended, whatever the record says.
    """
    every, kept = int(record["config"]["num-server-rounds"]), _kept(record)
    recorded = _recorded(folder)
    known = bool(recorded) and (ended or record["status"] != RUNNING)
    last = min(max(recorded) + 1, every) if known else every
    return Start(str(record["flower_run_id"]), folder, max(last - kept, 0), known)


def note(start: Start, folder: Path) -> None:
    """Note a start in the folder of a run of its tree.

    Raises
    ------
    OSError, UserError
        If nothing can be written there.
    """
    place = folder / NOTES
    place.mkdir(exist_ok=True)
    write_json(
        place / f"{start.run}.json", dataclasses.asdict(start) | {"folder": str(start.folder)}
    )


def _rank(start: Start) -> tuple[int, bool]:
    return start.rounds, not start.known


def _members(folder: Path, first: str) -> dict[Path, Record]:
    """Return the records of the runs that can be found of a tree, by their folders."""
    looked: dict[Path, Record] = {}
    ahead = [folder]
    while ahead:
        place = ahead.pop()
        if place in looked:
            continue
        looked[place] = record = _member(place, first)
        if record:
            ahead += [one.folder for one in _noted(place, record)]
            ahead += [Path(record["config"]["continue-from"] or place)]
            ahead += [path.parent for path in place.parent.glob("*/run.json")]
    return {place: record for place, record in looked.items() if record}


def _member(folder: Path, first: str) -> Record:
    """Return the record of a run that belongs to the tree; empty if there is none in the folder."""
    try:
        record = read_run(folder)
        same = bool(record) and _first_run(record) == first and "config" in record
        return record if same else {}
    except _UNREADABLE:
        return {}  # what is noted of it holds


def _first_run(record: Record) -> str:
    stretches = record.get("stretches") or [record]
    return str(stretches[0]["flower_run_id"])


def _kept(record: Record) -> int:
    """Return the last round that a run took over from another; 0 if it continued none."""
    stretches = record.get("stretches")
    return int(stretches[-1]["last_round"]) if stretches else 0


def _recorded(folder: Path) -> list[int]:
    try:
        return [int(row["round"]) for row in typed_rows(folder / "rounds.csv")]
    except _UNREADABLE:
        return []


def _told(members: Mapping[Path, Record]) -> Iterable[Start]:
    """Yield what the runs of a tree say of each other."""
    runs = {record["flower_run_id"] for record in members.values()}
    for place, record in members.items():
        noted = list(_noted(place, record))
        yield from noted
        began = any(one.run == record["flower_run_id"] for one in noted)  # it noted all, then
        continued = record["config"]["continue-from"]
        if continued and not began and Path(continued) not in members:
            yield from _before(record, runs)


def _noted(folder: Path, record: Record) -> Iterator[Start]:
    """Yield the starts that are noted in a run's folder; a damaged note is one of all rounds."""
    for path in sorted((folder / NOTES).glob("*.json")):
        try:
            told = json.loads(path.read_text())
            yield Start(
                path.stem,
                Path(told["folder"]),
                int(told["rounds"]),
                bool(told["known"]),
                int(told["starts"]),
            )
        except _UNREADABLE:
            every = int(record["config"]["num-server-rounds"])
            yield Start(path.stem, folder, every, known=False)


def _before(record: Record, runs: Iterable[str]) -> Iterator[Start]:
    """Yield one entry for all starts before a run that continued one that is gone.

    Their number, and that of their rounds, are those that the run counted itself.
    """
    told, stretches = Repeats.read(record), record["stretches"]
    if stretches[-1]["flower_run_id"] in runs and told.starts == 1 + len(stretches):
        return  # it only has another name now
    rounds, starts = told.rounds + _kept(record), told.starts - 1
    gone = Path(record["config"]["continue-from"])
    yield Start(f"before-{record['flower_run_id']}", gone, rounds, not told.unread, starts)
