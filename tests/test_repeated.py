"""A continued run counts all starts and rounds of the same data, whatever became of the folders."""

import contextlib
import itertools
import json
import shutil
from pathlib import Path

import pytest

from fog_flower.errors import UserError
from fog_flower.privacy.repeats import Repeats
from fog_flower.records.files import write_json
from strategies.continuing.checkpoint import Checkpoint
from strategies.continuing.repeated import continuation
from strategies.continuing.starts import NOTES

ROUNDS = 10


class Killed(BaseException):
    """Ends a made-up run as ``kill -9`` does: nothing is written any more."""


@pytest.fixture
def made(make_config, tmp_path):
    """Return a function that makes up the records of a run up to a round, and what it repeats."""
    ids = itertools.count(100)

    def make(name, last, continues=None, *, source="entropy", fails=False, killed=False):
        run_id, folder = next(ids), tmp_path / "runs" / name
        config = make_config(
            noise_source=source,
            num_server_rounds=ROUNDS,
            run_name=name,
            continue_from=str(continues or ""),
        )
        with contextlib.suppress(Killed), continuation(config, folder, run_id) as start:
            if fails:
                return folder, start.repeats
            before = told(continues) if continues else {}
            folder.mkdir(parents=True)
            record = {"flower_run_id": str(run_id), "status": "running"}
            record |= {"config": config.to_run_config(), **start.repeats.to_record()}
            if continues:
                kept = _last(continues)
                stretch = {"flower_run_id": before["flower_run_id"], "last_round": kept}
                record["stretches"] = [*before.get("stretches", []), stretch]
            write_json(folder / "run.json", record)
            start.begin()
            _write(folder, last)
            if killed:
                raise Killed
            write_json(folder / "run.json", record | {"status": "interrupted"})
        return folder, start.repeats

    return make


def told(folder):
    return json.loads((folder / "run.json").read_text())


def _last(folder):
    return int((folder / "rounds.csv").read_text().splitlines()[-1])


def _write(folder, last):
    (folder / "rounds.csv").write_text("\n".join(["round", *map(str, range(last + 1))]) + "\n")
    Checkpoint(last, [], b"", {}).write(folder)


def test_forks_of_every_ancestor_count_in_whatever_order(made):
    first, none = made("c0", 2)  # and round 3, in which it was stopped
    second, once = made("c1", 4, first)  # rounds 3 to 5
    third, twice = made("c2", 6, second)  # 5 to 7
    _, fork = made("c1b", 5, first)  # 3 to 6
    _, more = made("c3", 8, third)
    assert [none, once, twice] == [Repeats(), Repeats(2, 1), Repeats(3, 2)]
    assert fork == Repeats(4, 3 + 3 + 3 - 2)
    assert more == Repeats(5, 3 + 3 + 3 + 4 - 6)


def test_what_was_renamed_or_deleted_still_counts(made):
    first, _ = made("c0", 2)
    made("c1", 4, first)
    fork, _ = made("c1b", 7, first)
    made("c2", 9, fork)
    expected = made("c3", 3, first)[1]
    assert expected == Repeats(5, 3 + 3 + 6 + 3 - 2)
    for name in ("c1", "c3"):
        shutil.rmtree(first.parent / name)
    fork.rename(fork.with_name("renamed"))
    assert made("c4", 3, first)[1] == Repeats(6, expected.rounds + 2)


@pytest.mark.parametrize("how", ["deleted", "renamed", "elsewhere"])
def test_the_first_run_may_be_gone(made, tmp_path, how):
    first, _ = made("c0", 2)
    second, _ = made("c1", 4, first)
    made("c1b", 5, first)  # noted in c1, too
    if how == "deleted":
        shutil.rmtree(first)
    else:
        first.rename(first.with_name("c") if how == "renamed" else tmp_path / "c0")
    assert made("c2", 6, second)[1] == Repeats(4, 3 + 3 + 4 - 4)


def test_what_went_on_from_a_renamed_run_counts_for_the_first_one(made):
    first, _ = made("c0", 2)
    second, _ = made("c1", 4, first)
    first, second = first.rename(first.with_name("a")), second.rename(second.with_name("b"))
    made("c2", 6, second)
    assert made("c3", 6, first)[1] == Repeats(4, 3 + 3 + 3 - 2)


def test_all_rounds_that_one_could_train_count_where_its_records_are_gone(made):
    first, _ = made("c0", 2)
    second, _ = made("c1", 4, first, killed=True)
    shutil.rmtree(second)
    repeats = made("c1b", 5, first)[1]
    assert repeats == Repeats(3, 3 + 8 - 2, unread=1)
    assert "of 1 of these starts cannot be read" in repeats.in_words()
    assert "(an upper bound)" in repeats.in_words()


def test_one_that_may_still_go_on_counts_all_its_rounds(made):
    first, _ = made("c0", 2)
    made("c1", 4, first, killed=True)  # its record says that it is running
    assert made("c1b", 5, first)[1] == Repeats(3, 3 + 8 - 2, unread=1)


def test_what_the_next_run_reads_lowers_the_bound_for_all_later_ones(made):
    first, _ = made("c0", 2)
    second, _ = made("c1", 4, first, killed=True)
    write_json(second / "run.json", told(second) | {"status": "interrupted"})  # by its launcher
    made("c2", 5, second)
    shutil.rmtree(second)
    assert made("c3", 5, first)[1] == Repeats(4, 3 + 3 + 2 - 2)


def test_a_start_without_a_round_counts_as_a_start_alone(made):
    first, _ = made("c0", 2)
    made("c1", 0, first, fails=True)
    assert made("c1", 4, first)[1] == Repeats(3, 1)
    assert made("c2", 4, first)[1] == Repeats(4, 1 + 3)


def test_a_run_that_took_the_name_of_another_is_not_taken_for_it(made):
    first, _ = made("c0", 2)
    second, _ = made("c1", 7, first)
    shutil.rmtree(second)
    made("c1", 3, first)
    assert made("c2", 3, first)[1] == Repeats(4, 3 + 6 + 2 - 2)


def test_a_damaged_note_counts_all_rounds_unless_another_copy_is_whole(made):
    first, _ = made("c0", 2)
    second, _ = made("c1", 4, first)
    for note in (first / NOTES).iterdir():
        note.write_text("{")
    assert made("c2", 4, first)[1] == Repeats(3, 3 + 3 - 2)
    shutil.rmtree(second)
    shutil.rmtree(first.parent / "c2")
    for note in (first / NOTES).iterdir():
        note.write_text("{")
    assert made("c3", 4, first)[1] == Repeats(4, 3 + 2 * ROUNDS - 2, unread=2)


def test_on_another_machine_the_chains_own_records_count(made, tmp_path):
    first, _ = made("c0", 2)
    made("c1b", 5, first)
    second, _ = made("c1", 4, first)
    there = tmp_path / "there" / "c1"
    shutil.copytree(second, there)
    shutil.rmtree(first.parent)
    assert made("c2", 6, there)[1] == Repeats(4, 3 + 4 + 3 - 4)
    shutil.rmtree(there / NOTES)  # as without notes, in records that have the numbers alone
    shutil.rmtree(Path(first.parent))
    assert made("c2", 6, there)[1] == Repeats(4, 3 + 4 + 3 - 4)


def test_with_a_seed_nothing_is_noted(made):
    first, _ = made("c0", 2, source="seeded")
    second, once = made("c1", 4, first, source="seeded")
    assert once == Repeats(2, 1)
    first.rename(first.with_name("c"))
    assert made("c2", 6, second, source="seeded")[1] == Repeats(3, 2)
    assert not any((one / NOTES).exists() for one in first.parent.iterdir())


def test_where_nothing_can_be_noted_a_run_does_not_begin(made):
    first, _ = made("c0", 2)
    (first / NOTES).write_text("a file")
    with pytest.raises(UserError, match=r"continue-from='.*c0': that it is continued must be"):
        made("c1", 4, first)


def test_of_two_that_begin_at_once_the_second_counts_the_first(made, make_config, tmp_path):
    first, _ = made("c0", 2)
    settings = {"noise_source": "entropy", "num_server_rounds": ROUNDS}
    config = make_config(**settings, continue_from=str(first))
    with (
        continuation(config, tmp_path / "one", 1) as one,
        continuation(config, tmp_path / "other", 2) as other,
    ):
        assert one.repeats == Repeats(2, 1)
        assert other.repeats == Repeats(3, 1 + 8, unread=1)


def test_records_of_older_versions_are_read():
    assert Repeats.read({}) == Repeats()
    assert Repeats.read({"stretches": [{}, {}]}) == Repeats(3, 2)
    assert Repeats.read({"starts": 3, "repeated_rounds": 5}) == Repeats(3, 5)
    many = Repeats(4, 7, 1)
    assert Repeats.read(many.to_record()) == many
