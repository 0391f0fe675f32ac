"""Runs on Ray whose processes are killed: the message says which, and nothing is left."""

import json

import psutil
import pytest

from fog_flower.records.reading import read_rounds
from tests.launched import ONE_ACTOR, SMALL, finish, start, wait_for

pytestmark = pytest.mark.e2e


@pytest.mark.parametrize(
    ("victim", "words"),
    [
        ("flower_simulation", "the run's process ended (SIGKILL); the last lines of its log: "),
        ("gcs_server", "Ray ended ("),
    ],
)
def test_a_killed_process_is_named_and_no_other_one_is_left(tmp_path, npz_path, victim, words):
    process = start(
        tmp_path,
        *("run", f"dataset=npz:{npz_path}", *SMALL, "num-server-rounds=500", "run-name=killed"),
        *ONE_ACTOR,
    )
    folder = tmp_path / "results" / "runs" / "killed"
    try:
        wait_for(lambda: len(read_rounds(folder)) > 2, process)
        family = [p for p in psutil.Process(process.pid).children(recursive=True) if lives(p)]
        (one,) = [p for p in family if victim in " ".join(p.cmdline()[:4])]
        one.kill()
        code, output = finish(process)
    finally:
        process.kill()
    assert code == 1, output
    assert f"fog-flower: the run failed: {words}" in output
    record = json.loads((folder / "run.json").read_text())
    assert record["status"] == "failed"
    assert record["cause"].startswith(words)
    assert len(read_rounds(folder)) > 2
    assert [p for p in family if lives(p)] == []


def lives(process: psutil.Process) -> bool:
    return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
