"""The inline engine gives the records that Flower's simulation gives, and the same truth."""

import logging
import os
import subprocess
import sys
from pathlib import Path

from simulations.engines import Outcome, engine_named
from tests.runs import summary

ROOT = Path(__file__).resolve().parent.parent


def launch(engine: str, config) -> Outcome:
    return engine_named(engine)(config, lambda rows: None)


def test_late_nodes_are_missing(make_config):
    """Every node is slower than it may be; before round 1 or in it, that is too late."""
    slow = {"attack": "slow", "malicious_nodes": "3", "attack_strength": 0.7}
    config = make_config(round_timeout=0.5, num_server_rounds=1, **slow)
    outcome = launch("inline", config)
    assert "round-timeout=0.5: " in outcome.cause or "missing or late" in outcome.cause


def test_a_failing_run_tells_its_cause_and_leaves_its_record(make_config):
    outcome = launch("inline", make_config(attack="crash", malicious_nodes="3"))
    assert "no update was accepted" in outcome.cause
    assert "crashes in round 1" in outcome.cause
    assert summary(outcome.folder)["status"] == "failed"


def test_it_tells_of_every_round_and_leaves_nothing_behind(make_config, tmp_path, monkeypatch):
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "tmp").mkdir()
    seen = []
    before, level = dict(os.environ), logging.getLogger("flwr").level
    engine_named("inline")(make_config(num_server_rounds=3), lambda rows: seen.append(len(rows)))
    assert seen[-1] == 4
    # TensorFlow keeps what it makes of Python functions until the process ends.
    left = [path.name for path in (tmp_path / "tmp").iterdir()]
    assert [name for name in left if not name.startswith("__autograph_generated")] == []
    assert os.environ == before
    assert logging.getLogger("flwr").level == level


def test_the_command_line_runs_inline_and_fails_with_the_cause(npz_path, tmp_path):
    def fog_flower(*arguments):
        return subprocess.run(
            [sys.executable, "-m", "simulations.cli", "run", "--engine", *arguments],
            cwd=tmp_path,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )

    small = [f"dataset=npz:{npz_path}", "train-examples=300", "validation-examples=100"]
    small += ["test-examples=100", "num-server-rounds=1", "model=mlp-2-hidden", "run-name=one"]
    answer = fog_flower("inline", *small, "architecture=centralized")
    assert answer.returncode == 0, answer.stderr
    assert "centralized: one cloud with all raw data" in answer.stdout
    assert "picture: " in answer.stdout
    assert answer.stderr == ""
    answer = fog_flower("inline", *small[:-1], "run-name=two", "attack=crash", "malicious-nodes=3")
    assert answer.returncode == 1
    assert answer.stderr.startswith("fog-flower: the run failed: no update was accepted")
    answer = fog_flower("warp", *small)
    assert answer.stderr == "fog-flower: --engine 'warp': choose from ray, inline\n"
