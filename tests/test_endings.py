"""How runs end: diverged, on a full disk, without their folder, killed; and what is told of it."""

import csv
import errno
import json
import logging
import os
import shutil
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest

from fog_flower import config as config_module
from fog_flower.errors import UserError
from fog_flower.records import files
from fog_flower.records.reading import figures_so_far, is_orphan, read_run
from fog_flower.records.recorder import RunRecorder, can_continue
from fog_flower.records.run_folder import folder_of
from simulations.cli.continued import settings_to_go_on
from simulations.engines import engine_named
from tests.runs import ending_in_round, rounds, run_here, summary

ROOT = Path(__file__).resolve().parent.parent


class FullDisk:
    """Lets ``after`` files be written, then has no room for any other."""

    def __init__(self, after: int) -> None:
        self.left = after
        self._fsync = os.fsync

    def fsync(self, number: int) -> None:
        self.left -= 1
        if self.left < 0:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._fsync(number)


# Written in this order: run.json, privacy.json, then updates.csv and rounds.csv of each round.
@pytest.mark.parametrize(("after", "complete"), [(1, 0), (2, 0), (4, 1), (5, 1), (6, 2)])
def test_a_full_disk_is_one_line_and_keeps_what_was_recorded(
    make_config, monkeypatch, after, complete
):
    config = make_config(num_server_rounds=3, artifacts="")
    monkeypatch.setattr(files.os, "fsync", FullDisk(after).fsync)
    outcome = engine_named("inline")(config, lambda rows: None)
    assert "cannot be written (No space left on device): make room there" in outcome.cause
    assert "\n" not in outcome.cause
    assert "Traceback" not in outcome.cause
    folder = folder_of(config)
    kept = rounds(folder) if (folder / "rounds.csv").exists() else []
    assert [row["round"] for row in kept] == [str(n) for n in range(complete)]
    assert summary(folder)["config"] == config.to_run_config()  # whole, though of the beginning
    assert not [path for path in folder.iterdir() if path.suffix == ".tmp"]
    assert is_orphan(folder)  # so that nobody takes "running" for true


def test_a_disk_that_has_room_again_at_the_end_gets_the_cause(make_config, monkeypatch):
    config = make_config(artifacts="checkpoint")
    disk = FullDisk(7)  # through round 1 and its checkpoint
    monkeypatch.setattr(files.os, "fsync", disk.fsync)
    fail = RunRecorder.fail

    def fail_with_room(self, cause):
        disk.left = 100
        fail(self, cause)

    monkeypatch.setattr(RunRecorder, "fail", fail_with_room)
    with pytest.raises(UserError, match="No space left on device"):
        run_here(config)
    run = summary(folder_of(config))
    assert run["status"] == "failed"
    assert "updates.csv cannot be written (No space left on device)" in run["cause"]
    assert run["can_continue"] is True
    assert [row["round"] for row in rounds(folder_of(config))] == ["0", "1"]


def test_a_folder_that_is_removed_while_the_run_goes_on_is_one_line(make_config):
    config = make_config(num_server_rounds=3)

    def remove(rows):
        shutil.rmtree(folder_of(config), ignore_errors=True)

    outcome = engine_named("inline")(config, remove)
    assert "cannot be written (No such file or directory)" in outcome.cause
    assert "\n" not in outcome.cause


def test_a_diverged_run_has_finished_and_says_since_when(make_config, caplog):
    bad = {"attack": "nan", "malicious_nodes": "1", "attack_rounds": "2-", "gate": "off"}
    with caplog.at_level(logging.WARNING, logger="flwr"):
        folder = run_here(make_config(num_server_rounds=3, **bad))
    run = summary(folder)
    assert run["status"] == "finished"
    assert run["final"]["diverged"] is True
    assert run["final"]["diverged_in_round"] == 2
    assert "diverged: the cloud model has not been finite since round 2" in caplog.text
    assert "can_continue" not in run
    assert figures_so_far(folder)["final"]["diverged_in_round"] == 2


def test_a_run_that_did_not_diverge_says_so_and_old_records_are_read(make_config):
    folder = run_here(make_config(num_server_rounds=1))
    assert summary(folder)["final"]["diverged"] is False
    assert summary(folder)["final"]["diverged_in_round"] is None
    old = summary(folder)
    del old["final"]["diverged_in_round"]
    old["status"] = "failed"
    (folder / "run.json").write_text(json.dumps(old))
    assert read_run(folder)["final"]["diverged"] is False
    assert not can_continue(folder, summary(folder))  # no checkpoint
    (folder / "checkpoint.npz").touch()
    assert can_continue(folder, summary(folder))


@pytest.mark.parametrize(
    ("artifacts", "fails_in", "answer"),
    [("checkpoint", 2, True), ("checkpoint", 1, False), ("", 2, False)],
)
def test_a_failed_run_tells_whether_it_can_continue(make_config, artifacts, fails_in, answer):
    config = make_config(artifacts=artifacts)
    with ending_in_round(fails_in, RuntimeError("stop")), pytest.raises(RuntimeError):
        run_here(config)
    assert summary(folder_of(config))["can_continue"] is answer
    assert can_continue(folder_of(config), summary(folder_of(config))) is answer


def test_a_run_of_a_deployment_is_not_continued_by_a_simulation(make_config):
    config = make_config(artifacts="checkpoint")
    with ending_in_round(2, RuntimeError("stop")), pytest.raises(RuntimeError):
        run_here(config)
    folder = folder_of(config)
    run = summary(folder)
    assert run["federation"] == "simulation"
    assert settings_to_go_on(folder, []).continue_from == folder
    (folder / "run.json").write_text(json.dumps({**run, "federation": "deployment"}))
    with pytest.raises(UserError, match=r"was made by a deployment.*flwr run .*--run-config ") as e:
        settings_to_go_on(folder, ["min-available-nodes=2"])
    settings = tomllib.loads(Path(str(e.value).rpartition(" ")[2]).read_text())
    told = {"continue-from": str(folder), "run-name": "run-from-round-2", "min-available-nodes": 2}
    assert settings == {**config.to_run_config(), **told}


@pytest.mark.parametrize("artifacts", ["", "checkpoint"])
def test_whoever_reads_knows_whether_a_run_still_goes_on(make_config, artifacts, monkeypatch):
    seen = []
    record_round = RunRecorder.record_round

    def look(self, report, cloud):
        seen.append((is_orphan(self.folder), (self.folder / ".going").exists()))
        record_round(self, report, cloud)

    monkeypatch.setattr(RunRecorder, "record_round", look)
    folder = run_here(make_config(num_server_rounds=1, artifacts=artifacts))
    assert seen == [(False, True)]
    assert not (folder / ".going").exists()


WRITER = """
import sys
from pathlib import Path
from fog_flower.records.files import GrowingCsv, write_json
folder = Path(sys.argv[1])
rows = []
print("ready", flush=True)
while True:
    rows.append({"a": len(rows), "b": "x" * 50})
    GrowingCsv(folder / "rounds.csv", ("a", "b")).extend(rows)
    write_json(folder / "run.json", {"rows": len(rows), "text": "y" * 5000})
"""


@pytest.mark.parametrize("seconds", [0.05, 0.11, 0.23])
def test_files_of_a_killed_process_are_whole(tmp_path, seconds):
    process = subprocess.Popen(
        [sys.executable, "-c", WRITER, str(tmp_path)],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
    )
    process.stdout.readline()
    while not (tmp_path / "run.json").exists():
        time.sleep(0.01)
    time.sleep(seconds)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    with (tmp_path / "rounds.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["a"] for row in rows] == [str(n) for n in range(len(rows))]
    assert {row["b"] for row in rows} == {"x" * 50}
    run = json.loads((tmp_path / "run.json").read_text())
    assert len(rows) - run["rows"] in (0, 1)


def test_a_message_parses_nothing_anew(make_config, monkeypatch):
    run_here(make_config(num_server_rounds=1, run_name="warm"))
    parsed = []
    checked = config_module._checked
    monkeypatch.setattr(
        config_module, "_checked", lambda *told: parsed.append(told[0]) or checked(*told)
    )
    config = make_config(num_server_rounds=3)
    keys = len(parsed)
    assert keys == len(config.keys())  # parsed once, here
    run_here(config)
    assert len(parsed) == keys
