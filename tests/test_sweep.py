"""Sweeps: planned first, killed at any moment, continued by the same command."""

import csv
import io
import itertools
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
import types
from pathlib import Path

import filelock
import pytest

from fog_flower.errors import UserError
from fog_flower.records.files import write_json
from simulations.cli.run_display import print_run
from simulations.cli.sweep import EXPERIMENT
from simulations.cli.sweep_display import SweepDisplay, print_plan
from simulations.cli.terminal import Terminal
from simulations.experiments import EXPERIMENTS
from simulations.sweep.execute import Progress, execute
from simulations.sweep.run_times import Estimator, guess_seconds
from simulations.sweep.sweep_folder import left_out, recorded_status, rounds_made
from simulations.sweep.sweep_plan import parse_seeds, plan_sweep
from tests.runs import ending_in_round, figures, summary

ROOT = Path(__file__).resolve().parent.parent
TABLE2 = EXPERIMENTS["table2"]
LIMIT_SECONDS = 300


def plan(folder, overrides, *, seeds="0", only="mlp-centralized,mlp-fog-3"):
    return plan_sweep(TABLE2, TABLE2.scale("reduced"), parse_seeds(seeds), only, overrides, folder)


def run(planned, **options):
    return execute(planned, "inline", lambda progress: None, **options)


def recorded(folder):
    return sorted(str(path.parent.relative_to(folder)) for path in folder.glob("*/*/run.json"))


@pytest.mark.parametrize(
    ("text", "seeds"), [("0-9", range(10)), ("3", [3]), ("0-2,7", [0, 1, 2, 7]), ("1,1-2", [1, 2])]
)
def test_seeds(text, seeds):
    assert parse_seeds(text) == tuple(seeds)


@pytest.mark.parametrize("text", ["", "a", "3-1", "1;2", "-1"])
def test_bad_seeds(text):
    with pytest.raises(UserError, match="--seeds"):
        parse_seeds(text)


@pytest.mark.parametrize(
    ("only", "count"), [("", 8), ("cnn", 4), ("fog-5", 2), ("cnn,fog-5", 5), ("cnn-fog-5", 1)]
)
def test_only_selects_cells_by_whole_words(only, count):
    assert len(TABLE2.select(only)) == count


def test_only_of_nothing_is_an_error():
    with pytest.raises(UserError, match="--only 'fog-55'"):
        TABLE2.select("cnn,fog-55")


def test_every_cell_of_table_2_is_valid_at_both_scales(tmp_path):
    for scale in ("full", "reduced"):
        runs = plan_sweep(TABLE2, TABLE2.scale(scale), (0, 1), "", {}, tmp_path).runs
        assert len(runs) == 16
        assert {run.config.fog_nodes for run in runs} == {1, 3, 5, 7}
    full = {
        run.cell.name: run.config
        for run in plan_sweep(TABLE2, TABLE2.scale("full"), (0,), "", {}, tmp_path).runs
    }
    assert (full["mlp-fog-3"].num_server_rounds, full["cnn-fog-3"].num_server_rounds) == (100, 20)
    assert (full["cnn-fog-7"].model, full["cnn-fog-7"].train_examples) == ("cnn", 70_000)
    assert full["cnn-centralized"].noise_sigma == 0.0


def config_of(scale, dataset, tmp_path, *, only="cnn-fog-7", **overrides):
    planned = plan_sweep(
        TABLE2, TABLE2.scale(scale), (0,), only, {"dataset": dataset, **overrides}, tmp_path
    )
    return planned.runs[0].config, planned.scale.told(planned.overrides)


@pytest.mark.parametrize("name", EXPERIMENTS)
def test_without_a_word_an_experiment_is_reduced_or_the_only_scale_that_it_has(name):
    chosen = EXPERIMENTS[name].scale("")
    assert chosen.name == "reduced" or len(EXPERIMENTS[name].scales) == 1


@pytest.mark.parametrize(("cell", "epochs"), [("mlp-fog-3", 100), ("cnn-fog-7", 20)])
def test_on_svhn_the_full_scale_is_the_paper_s_protocol(tmp_path, cell, epochs):
    config, told = config_of("full", "svhn", tmp_path, only=cell)
    assert (config.train_examples, config.validation_examples) == (70_000, 10_000)
    assert (config.held_out_order, config.test_source, config.test_examples) == ("file", "spare", 0)
    assert (config.end_nodes, config.num_server_rounds, config.local_epochs) == (6, epochs, 1)
    assert (config.learning_rate, config.batch_size, config.noise_sigma) == (0.1, 32, 0.01)
    assert (config.gate, config.cloud_examples) == ("learned", 0)
    assert "3,257 training digits that are left" in told
    assert "dataset=" not in told
    other, told = config_of("full", "svhn", tmp_path, only=cell, **{"test-source": "test"})
    assert other.test_source == "test"
    assert told.startswith("full, but with test-source=test in every run (unchanged: ")


def test_full_scale_without_a_gate_with_our_settings_and_on_mnist(tmp_path):
    plain, _ = config_of("full", "svhn", tmp_path, gate="off")
    assert (plain.gate, plain.test_source) == ("off", "spare")
    ours, told = config_of("ours", "svhn", tmp_path)
    assert (ours.model, ours.learning_rate_schedule) == ("cnn-norm-shift", "cosine")
    assert (ours.test_source, ours.num_server_rounds) == ("spare", 20)
    assert told.startswith("settings of our own")
    mnist, told = config_of("full", "mnist", tmp_path)
    assert (mnist.train_examples, mnist.num_server_rounds) == (60_000, 10)
    assert "10 epochs, not the paper's" in told


def test_a_variant_stands_beside_the_sweep_of_the_same_data(tmp_path):
    def made(name, scale, dataset):
        (tmp_path / name).mkdir()
        overrides = {"dataset": dataset} if dataset else {}
        identity = {"experiment": "table2", "scale": scale, "overrides": overrides}
        write_json(tmp_path / name / "sweep.json", identity)
        return tmp_path / name

    full, ours = made("full-svhn", "full", "svhn"), made("ours-svhn", "ours", "svhn")
    made("full", "full", "")
    made("ours-mnist", "ours", "mnist")
    made("reduced-svhn", "reduced", "svhn")
    assert left_out(full, []) == [ours]
    assert left_out(ours, []) == []


def test_runs_of_one_seed_differ_only_in_what_the_experiment_varies(tmp_path):
    runs = plan_sweep(TABLE2, TABLE2.scale("reduced"), (4,), "mlp", {}, tmp_path).runs
    first, *others = (run.config.to_run_config() for run in runs)
    varied = {key for other in others for key in first if first[key] != other[key]}
    allowed = {"architecture", "fog-nodes", "end-nodes", "noise-sigma", "gate", "results-dir"}
    allowed |= {"protection"}
    assert varied <= allowed


def test_the_paper_s_numbers_are_the_paper_s():
    path = ROOT.parent / "shared" / "data" / "paper_table2.csv"
    if not path.exists():
        pytest.skip(f"the paper's table is not at {path}")
    with path.open(newline="") as file:
        rows = list(csv.DictReader(file))
    printed = {cell.name: cell.printed for cell in TABLE2.cells}
    assert len(rows) == len(printed)
    for row in rows:
        tier = f"fog-{row['fog_nodes']}" if row["architecture"] == "fog" else "centralized"
        cell = printed[f"{row['model']}-{tier}"]
        assert cell["train_accuracy"] == float(row["training_accuracy"])
        assert cell["local_validation_accuracy"] == float(row["validation_accuracy"])


def test_what_the_sweep_varies_cannot_be_overridden(tmp_path):
    with pytest.raises(UserError, match="fog-nodes=4: the sweep sets fog-nodes itself"):
        plan(tmp_path, {"fog-nodes": 4})
    for key, value in {"seed": 1, "continue-from": "/a/run"}.items():
        with pytest.raises(UserError, match=f"the sweep sets {key} itself"):
            plan(tmp_path, {key: value})


def test_it_makes_what_is_missing_and_nothing_twice(tmp_path, overrides):
    assert run(plan(tmp_path, overrides)) == ["finished", "finished"]
    assert recorded(tmp_path) == ["mlp-centralized/seed-0", "mlp-fog-3/seed-0"]
    kept = tmp_path / "mlp-centralized" / "seed-0" / "run.json"
    before = kept.stat().st_mtime_ns
    shutil.rmtree(tmp_path / "mlp-fog-3" / "seed-0")
    assert run(plan(tmp_path, overrides, seeds="0-1")) == ["finished"] * 4
    assert len(recorded(tmp_path)) == 4
    assert kept.stat().st_mtime_ns == before


def test_a_failed_run_is_recorded_and_the_sweep_goes_on(tmp_path, overrides):
    """All of 3 fog nodes crash, and 3 of 5."""
    bad = overrides | {"attack": "crash", "malicious-nodes": "3"}
    planned = plan(tmp_path, bad, only="mlp-fog-3,mlp-fog-5")
    statuses = run(planned)
    assert statuses == ["failed", "finished"]
    record = summary(tmp_path / "mlp-fog-3" / "seed-0")
    assert "no update was accepted" in record["cause"]
    assert run(planned) == ["failed", "finished"]  # not made again by itself
    assert run(planned, retry_failed=True) == ["failed", "finished"]
    assert len(list((tmp_path / ".set-aside").iterdir())) == 1


def test_a_run_that_fails_before_its_records_is_recorded_too(tmp_path, overrides, monkeypatch):
    def refuse(*_):
        raise UserError("no such thing")

    monkeypatch.setattr("strategies.server_app.Membership.find_nodes", refuse)
    assert run(plan(tmp_path, overrides, only="mlp-fog-3")) == ["failed"]
    record = summary(tmp_path / "mlp-fog-3" / "seed-0")
    assert record["cause"] == "no such thing"
    assert record["config"]["fog-nodes"] == 3


def told(planned, **options):
    """Make the runs, and return all that the sweep told of them."""
    said = []
    execute(planned, "inline", lambda progress: said.append(progress.last), **options)
    return list(dict.fromkeys(said))


@pytest.fixture
def stopped(tmp_path, overrides):
    """Return a sweep of one run that was stopped in its round 2 of 3."""
    planned = plan(tmp_path / "stopped", overrides | {"num-server-rounds": 3}, only="mlp-fog-3")
    with ending_in_round(2, KeyboardInterrupt()), pytest.raises(KeyboardInterrupt):
        run(planned)
    assert recorded(planned.folder) == []
    return planned


def test_a_stopped_run_goes_on_from_its_last_round(stopped, tmp_path):
    first, *_ = told(stopped)
    assert first == "mlp-fog-3/seed-0 continues after round 1"
    whole = plan(tmp_path / "whole", stopped.overrides, only="mlp-fog-3")
    assert run(whole) == ["finished"]
    ours, theirs = (sweep.folder / "mlp-fog-3" / "seed-0" for sweep in (stopped, whole))
    assert figures(ours) == figures(theirs)
    assert [part["last_round"] for part in summary(ours)["stretches"]] == [1]
    assert {path.name for path in ours.iterdir()} == {path.name for path in theirs.iterdir()}
    assert not list(stopped.folder.glob(".stopped/*/*"))


def test_the_plan_and_its_estimate_say_which_rounds_are_made(stopped):
    (run_of_it,) = stopped.runs
    whole = guess_seconds(run_of_it.config)
    assert rounds_made(stopped, run_of_it) == 1
    assert Estimator(stopped).seconds([run_of_it]) == pytest.approx(whole * 2 / 3)
    shown = io.StringIO()
    print_plan(Terminal(file=shown, width=200), stopped, "inline")
    assert "mlp-fog-3/seed-0: 1 of 3 rounds are made already, and kept" in shown.getvalue()


def test_a_log_says_when_a_run_starts_and_now_and_then_its_round(tmp_path, overrides, monkeypatch):
    first, second = plan(tmp_path, overrides).runs
    shown, now = io.StringIO(), itertools.count(0, 10)  # ten seconds between two looks
    clock = types.SimpleNamespace(monotonic=lambda: next(now))
    monkeypatch.setattr("simulations.cli.sweep_display.time", clock)
    display = SweepDisplay(Terminal(file=shown, width=200))
    texts = ["starting", *(f"round {number}/9" for number in range(10))]
    for told in [first, second]:
        for text in texts:
            display.update(Progress(2, [], 60.0, told, text))
    lines = [line.removeprefix("0/2 ") for line in shown.getvalue().splitlines()]
    assert lines[0] == f"{first.name} starts, ETA 60 s"
    assert f"{second.name} starts, ETA 60 s" in lines
    rounds = [line for line in lines if "round" in line]
    assert 2 <= len(rounds) < len(texts)


def test_what_was_stopped_is_kept_until_it_has_gone_on(stopped, monkeypatch):
    def refuse(*_):
        raise UserError("Ray did not come up")

    with monkeypatch.context() as patched:
        patched.setattr("strategies.server_app.Membership.find_nodes", refuse)
        assert run(stopped) == ["failed"]
    assert told(stopped, retry_failed=True)[0] == "mlp-fog-3/seed-0 continues after round 1"
    assert run(stopped) == ["finished"]
    assert "stretches" in summary(stopped.folder / "mlp-fog-3" / "seed-0")


def test_a_run_that_had_finished_when_its_sweep_was_killed_is_a_record(tmp_path, overrides):
    planned = plan(tmp_path, overrides, only="mlp-fog-3")
    run(planned)
    staging = tmp_path / ".running" / "mlp-fog-3"
    staging.mkdir(parents=True, exist_ok=True)
    (tmp_path / "mlp-fog-3" / "seed-0").rename(staging / "seed-0")
    before = (staging / "seed-0" / "run.json").read_text()
    assert run(planned) == ["finished"]
    assert (tmp_path / "mlp-fog-3" / "seed-0" / "run.json").read_text() == before


def test_one_that_cannot_go_on_begins_again_and_says_why(stopped, monkeypatch):
    monkeypatch.setattr(
        "strategies.continuing.conditions.code_identity", lambda: "of today", raising=True
    )
    first, *_ = told(stopped)
    assert first.startswith("mlp-fog-3/seed-0 begins again: continue-from=")
    assert "fog-flower's code was" in first
    assert "stretches" not in summary(stopped.folder / "mlp-fog-3" / "seed-0")
    (kept,) = (stopped.folder / ".set-aside").iterdir()
    assert len(figures(kept)) == 2


def test_a_failed_run_is_retried_from_its_last_round(tmp_path, overrides):
    planned = plan(tmp_path, overrides | {"num-server-rounds": 3}, only="mlp-fog-3")
    with ending_in_round(2, RuntimeError("the machine had a bad day")):
        assert run(planned) == ["failed"]
    first, *_ = told(planned, retry_failed=True)
    assert first == "mlp-fog-3/seed-0 continues after round 1"
    assert run(planned) == ["finished"]


def test_a_diverged_run_is_recorded_as_such(tmp_path, overrides):
    wild = overrides | {"learning-rate": 1e6}
    assert run(plan(tmp_path, wild, only="mlp-centralized")) == ["finished"]
    assert summary(tmp_path / "mlp-centralized" / "seed-0")["final"]["diverged"]


def test_bad_input_is_found_before_the_first_run(tmp_path, overrides):
    with pytest.raises(UserError, match=r"train-examples=601: need 601 .* has only 600"):
        run(plan(tmp_path, overrides | {"train-examples": 601}))
    assert recorded(tmp_path) == []


def test_another_sweep_s_folder_is_refused(tmp_path, overrides):
    run(plan(tmp_path, overrides, only="mlp-centralized"))
    with pytest.raises(UserError, match="use another --out"):
        run(plan(tmp_path, overrides | {"num-server-rounds": 3}, only="mlp-centralized"))


def test_a_sweep_goes_on_where_its_data_lies_elsewhere(tmp_path, overrides):
    run(plan(tmp_path, overrides | {"data-dir": "/here"}, only="mlp-centralized"))
    moved = plan(tmp_path, overrides | {"data-dir": "/there"}, only="mlp-centralized")
    assert run(moved) == ["finished"]


def test_a_record_of_another_configuration_is_not_counted(tmp_path, overrides):
    planned = plan(tmp_path, overrides, only="mlp-centralized")
    run(planned)
    path = tmp_path / "mlp-centralized" / "seed-0" / "run.json"
    record = json.loads(path.read_text())
    write_json(path, {**record, "config": {**record["config"], "batch-size": 64}})
    with pytest.raises(UserError, match="was made with batch-size=64, not 32"):
        run(planned)


def test_a_record_that_is_older_than_a_key_did_what_runs_did_before_there_was_the_key(
    tmp_path, overrides
):
    planned = plan(tmp_path, overrides, only="mlp-centralized")
    run(planned)
    path = tmp_path / "mlp-centralized" / "seed-0" / "run.json"
    record = json.loads(path.read_text())
    del record["config"]["learning-rate-schedule"]
    write_json(path, record)
    assert recorded_status(planned, planned.runs[0]) == "finished"
    cosine = overrides | {"learning-rate-schedule": "cosine"}
    falling = plan(tmp_path, cosine, only="mlp-centralized")
    with pytest.raises(UserError, match="was made with learning-rate-schedule='constant'"):
        recorded_status(falling, falling.runs[0])
    shown = io.StringIO()
    print_run(Terminal(file=shown, width=120), path.parent)
    assert "SGD, learning rate 0.1, batches of 32" in shown.getvalue()


def test_two_sweeps_cannot_share_a_folder(tmp_path, overrides):
    with filelock.FileLock(tmp_path / ".lock"), pytest.raises(UserError, match="another sweep"):
        run(plan(tmp_path, overrides))


def test_estimates_learn_from_records(tmp_path, overrides):
    planned = plan(tmp_path, overrides, seeds="0-2", only="mlp-fog-3,mlp-fog-5")
    estimator = Estimator(planned)
    three, five = planned.runs[0], planned.runs[1]
    guessed = estimator.seconds([five])
    estimator.learn(three, 2 * estimator.seconds([three]))
    assert estimator.seconds([five]) == pytest.approx(2 * guessed)
    estimator.learn(five, 7.0)
    assert estimator.seconds([five, five]) == 14.0


def test_estimates_learn_from_records_of_other_seeds(tmp_path, overrides):
    def estimator():
        return Estimator(plan(tmp_path, overrides, seeds="1", only="mlp-fog-3"))

    assert estimator().source == "times are a guess: no run is recorded here"
    folder = tmp_path / "mlp-fog-3" / "seed-0"
    folder.mkdir(parents=True)
    write_json(folder / "run.json", {"status": "failed", "seconds": 1.0})
    assert "guess" in estimator().source
    write_json(folder / "run.json", {"status": "finished", "seconds": 7.0})
    assert "1 recorded run," in estimator().source
    (run,) = plan(tmp_path, overrides, seeds="1", only="mlp-fog-3").runs
    assert estimator().seconds([run]) == 7.0


def test_estimates_learn_from_cells_that_are_not_asked_for(tmp_path, overrides):
    folder = tmp_path / "mlp-fog-5" / "seed-0"
    folder.mkdir(parents=True)
    asked = plan(tmp_path, overrides, only="mlp-fog-3")
    guessed = Estimator(asked).seconds(asked.runs)
    seconds = 3 * Estimator(asked).seconds([asked.planned(TABLE2.select("mlp-fog-5")[0], 0)])
    write_json(folder / "run.json", {"status": "finished", "seconds": seconds})
    assert "1 recorded run," in Estimator(asked).source
    assert Estimator(asked).seconds(asked.runs) == pytest.approx(3 * guessed)


def test_a_scale_does_not_claim_what_is_changed():
    scale = TABLE2.scale("reduced")
    assert scale.told({}) == scale.note
    changed = scale.told({"train-examples": 300, "gate": "open"})
    assert changed.startswith("reduced, but with train-examples=300, gate=open in every run (unch")
    assert scale.told({"dataset": "svhn"}).endswith("; changed in every run: dataset=svhn")


def start_sweep(folder, overrides):
    settings = [f"{key}={value}" for key, value in overrides.items() if key != "dataset"]
    options = ["--dataset", overrides["dataset"], "--seeds", "0-1", "--out", str(folder)]
    # test_flower_runs kills a run on Ray
    only = ["--only", "mlp-centralized,mlp-fog-3", "--engine", "inline"]
    return subprocess.Popen(
        [
            sys.executable,
            "-m",
            "simulations.cli",
            "sweep",
            "table2",
            *settings,
            *options,
            *only,
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )


@pytest.mark.e2e
def test_killed_three_times_it_ends_as_if_it_had_not_been(tmp_path, overrides):
    overrides = overrides | {"num-server-rounds": 6}
    undisturbed = start_sweep(tmp_path / "undisturbed", overrides)
    killed = tmp_path / "killed"
    moments = random.Random(0)
    for _ in range(3):
        process = start_sweep(killed, overrides)
        deadline = time.monotonic() + LIMIT_SECONDS
        while not any(killed.glob(".running/*/*/rounds.csv")) and process.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(moments.uniform(0.0, 1.0))
        process.send_signal(signal.SIGKILL)
        process.communicate()
    final = start_sweep(killed, overrides)
    for process in (undisturbed, final):
        output, _ = process.communicate(timeout=LIMIT_SECONDS)
        assert process.returncode == 0, output
    assert "4 finished, 0 failed" in output
    assert recorded(killed) == recorded(tmp_path / "undisturbed")
    assert not list(killed.glob(".running/*/*"))
    for name in recorded(killed):
        assert figures(killed / name) == figures(tmp_path / "undisturbed" / name)
        assert summary(killed / name)["final"] == summary(tmp_path / "undisturbed" / name)["final"]


def sweep_table2(*options, cwd):
    return subprocess.run(
        [sys.executable, "-m", "simulations.cli", "sweep", "table2", *options],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )


def test_it_goes_on_from_the_committed_records_alone(tmp_path):
    """All that a clone has of the full scale; then without one of its runs."""
    records = tmp_path / "results" / "table2"
    shutil.copytree(ROOT / "results" / "table2" / "full", records / "full")
    identity = {"experiment": "table2", "scale": "full", "overrides": {"learning-rate": 0.05}}
    (records / "full-slower").mkdir()
    write_json(records / "full-slower" / "sweep.json", identity)
    options = ("--scale", "full", "--seeds", "0-1")
    shutil.move(records / "full" / "cnn-fog-5" / "seed-1", tmp_path / "kept")
    plan = sweep_table2(*options, "--dry-run", cwd=tmp_path).stdout
    assert " ".join(plan.split()).count(" 1, ") == 2, plan  # of its cell, and in all
    shutil.move(tmp_path / "kept", records / "full" / "cnn-fog-5" / "seed-1")
    made = sweep_table2(*options, cwd=tmp_path)
    assert "16 finished, 0 failed" in made.stdout
    told = "report table2 --scale full --beside results/table2/full-slower\n"
    assert told in made.stdout  # or its rows were lost


def test_a_wrong_model_is_refused_before_the_plan(tmp_path):
    answer = sweep_table2("model=cnn-shft", "--out", "mine", "--dry-run", cwd=tmp_path)
    assert answer.returncode == 1
    assert "model='cnn-shft': choose from cnn" in answer.stderr
    assert list(tmp_path.iterdir()) == []


def test_the_help_lists_every_experiment():
    assert EXPERIMENT.help.replace(" or ", ", ").split(", ") == list(EXPERIMENTS)


def test_the_command_shows_its_plan_first(tmp_path, overrides):
    answer = sweep_table2("--dry-run", cwd=tmp_path)
    assert answer.returncode == 0
    assert "cnn-fog-7" in answer.stdout
    assert "80, about" in answer.stdout
    assert list(tmp_path.iterdir()) == []
