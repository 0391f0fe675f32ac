"""Real `flwr run`s: SuperLink, Ray, actors, files."""

import json
import time
import zipfile
from pathlib import Path

import psutil
import pytest

from fog_flower.code_identity import PACKAGES
from fog_flower.records.environment import hardware
from fog_flower.records.reading import read_rounds
from simulations.engines.superlink import own_superlink
from simulations.engines.workspace import PREFIX
from tests import launched
from tests.launched import MARK, ONE_ACTOR, finish, flower_processes, wait_for
from tests.runs import (
    assert_equal_weights,
    column,
    figures,
    rounds,
    run_here,
    summary,
    updates,
    weights,
    who_trained,
)

ROOT = Path(__file__).resolve().parent.parent
pytestmark = pytest.mark.e2e

SMALL = [
    *("train-examples=360", "validation-examples=100", "test-examples=100", "gate-args=examples=0"),
    *("end-nodes=2", "model=mlp-2-hidden", "normalisation=fitted"),  # as make_config has it
]


def start(cwd, *arguments, command="run"):
    return launched.start(cwd, command, *arguments, **{MARK: str(cwd)})


def run(cwd, *arguments):
    return finish(start(cwd, *arguments))


# Counts are exact; an image on the edge may fall to either side.
EXACT = {"round", "accepted", "rejected", "bytes_from_end_nodes", "bytes_up", "bytes_down", "note"}


def test_two_runs_of_one_seed_are_equal_whatever_the_number_of_actors(
    tmp_path, npz_path, make_config
):
    data = f"dataset=npz:{npz_path}"
    # By default one actor of two gets half of the cores; without AVX-512 that changes last bits.
    threads = 0 if "avx512f" in hardware()["processor"] else 1
    special = {
        "fog-nodes": 5,
        # Three fog nodes a round, out of a set of ids that are new in every run.
        "strategy-args": "fraction_train=0.7,min_train_nodes=1",
        "attack": "crash",
        "malicious-nodes": "nodes:0,1",
        "attack-rounds": "2",
    }
    settings = [
        *(data, *SMALL, "num-server-rounds=2", f"client-threads={threads}"),
        *(f"{key}={value}" for key, value in special.items()),
    ]
    both = [
        start(tmp_path, *settings, f"run-name={name}", "--actors", actors)
        for name, actors in (("one", "1"), ("two", "2"))
    ]
    for code, output in map(finish, both):
        assert code == 0, output
        assert "round 2/2" in output
        assert "curves.png" in output
    one, two = (tmp_path / "results" / "runs" / name for name in ("one", "two"))
    assert len(who_trained(one)) == 6
    assert who_trained(one) == who_trained(two)
    assert figures(one) == figures(two)
    assert any("crashes in round 2" in row["reason"] for row in updates(one))
    assert_equal_weights(one, two)
    assert flower_processes(tmp_path) == []

    # And equal to the same ServerApp and ClientApp in one process, without SuperLink and Ray.
    here = run_here(make_config(model="mlp-2-hidden", run_name="here", **special))
    assert who_trained(here) == who_trained(one)
    for ours, theirs in zip(updates(here), updates(one), strict=True):
        assert ours["accepted"] == theirs["accepted"]
        assert ("crashes in" in ours["reason"]) == ("crashes in" in theirs["reason"])
    assert_the_same_rounds(here, one, test_examples=100)
    for ours, theirs in zip(weights(here), weights(one), strict=True):
        assert abs(ours - theirs).max() < 1e-4
    nodes = [summary(folder)["nodes"] for folder in (here, one)]
    for engine in nodes:  # one trains with all cores, the other with its part of them
        assert len(engine.pop("threads")) == 1
    assert nodes[0] == nodes[1]
    assert summary(here)["data"] == summary(one)["data"]
    assert 0.25 < summary(one)["peak_memory_gib"] < 32.0  # TensorFlow alone takes that


def assert_the_same_rounds(one, other, *, test_examples):
    for ours, theirs in zip(rounds(one), rounds(other), strict=True):
        assert set(ours) == set(theirs)
        for name, value in theirs.items():
            if name in EXACT:
                assert ours[name] == value, name
            elif name.endswith(("_loss", "_accuracy")):
                near = 2.1 / test_examples if name.endswith("_accuracy") else 1e-3
                assert float(ours[name]) == pytest.approx(float(value), abs=near, nan_ok=True), name


def test_a_killed_actor_does_not_hang_the_run(tmp_path, npz_path):
    process = start(
        tmp_path,
        *(
            f"dataset=npz:{npz_path}",
            *SMALL,
            "num-server-rounds=12",
            "run-name=killed",
            "local-epochs=3",
        ),
    )
    folder = tmp_path / "results" / "runs" / "killed"
    wait_for(lambda: len(read_rounds(folder)) > 2, process)
    actors = [
        p for p in flower_processes(tmp_path) if "ray::ClientAppActor" in " ".join(p.cmdline())
    ]
    assert actors
    actors[0].kill()
    code, output = finish(process)
    record = summary(folder)
    if code == 0:  # went on without the dead actor, and says whose updates were lost
        assert record["status"] == "finished"
        lost = [row for row in updates(folder) if row["reason"].startswith("failed")]
        assert lost, output
    else:
        assert record["status"] == "failed"
        assert "failed" in output
    assert flower_processes(tmp_path) == []


def test_kill_9_leaves_no_process_behind_and_the_run_goes_on(tmp_path, npz_path, make_config):
    strategy, arguments = "FedAvgM", "server_momentum=0.9"
    process = start(
        tmp_path,
        *(f"dataset=npz:{npz_path}", *SMALL, "num-server-rounds=9", "run-name=killed", *ONE_ACTOR),
        *(f"strategy={strategy}", f"strategy-args={arguments}"),
    )
    runs = tmp_path / "results" / "runs"
    folder = runs / "killed"
    wait_for(lambda: len(read_rounds(folder)) > 3, process)
    process.kill()
    finish(process)
    deadline = time.monotonic() + 60
    while flower_processes(tmp_path) + ray_of(process) and time.monotonic() < deadline:
        time.sleep(0.5)
    assert flower_processes(tmp_path) == []
    assert ray_of(process) == []

    code, output = finish(start(tmp_path, "killed", "--engine", "inline", command="continue"))
    assert code == 0, output
    assert "round 9/9" in output
    (rest,) = runs.glob("killed-from-round-*")
    assert summary(rest)["stretches"][0]["last_round"] in range(2, 9)
    whole = run_here(
        make_config(
            model="mlp-2-hidden",
            num_server_rounds=9,
            strategy=strategy,
            strategy_args=arguments,
            run_name="whole",
        )
    )
    assert column(whole, "train_loss") == pytest.approx(column(rest, "train_loss"), rel=1e-3)


def ray_of(process) -> list[int]:
    """Return what is left of the Ray that a launcher started."""
    return [
        one.pid
        for one in psutil.process_iter(["cmdline"])
        if any(f"{PREFIX}{process.pid}-" in word for word in one.info["cmdline"] or ())
    ]


def test_plain_flwr_run_with_a_wrong_number_of_supernodes_says_the_command_that_fits(
    tmp_path, npz_path
):
    overrides = tmp_path / "overrides.toml"
    overrides.write_text(
        f'dataset = "npz:{npz_path}"\ntrain-examples = 360\nvalidation-examples = 100\n'
        f'test-examples = 100\nresults-dir = "{tmp_path}"\nrun-name = "plain"\n'
    )
    with own_superlink([]) as superlink:
        superlink.wait_until_ready()
        build_one = build(tmp_path, superlink)
        answer = superlink.flwr("run", str(ROOT), "--run-config", str(overrides), "--format=json")
        assert json.loads(answer.stdout)["success"], answer.stdout
        deadline = time.monotonic() + 120
        status = {}
        while not str(status.get("status", "")).startswith("finished"):
            assert time.monotonic() < deadline, status
            time.sleep(1)
            status = json.loads(superlink.flwr("ls", "--format", "json").stdout)["runs"][0]
        assert build(tmp_path, superlink) == build_one
    assert status["status"] == "finished:failed"
    assert "fog-nodes=3, but the federation has 2 SuperNodes" in status["status-details"]
    assert 'flwr run . --federation-config "num-supernodes=3' in status["status-details"]
    assert not (tmp_path / "plain").exists()


def build(tmp_path, superlink):
    """Return the bundle's name, which ends in its hash; test_packaging looks into it."""
    answer = superlink.flwr("build", "--app", str(ROOT))
    assert answer.returncode == 0, answer.stderr
    (bundle,) = list(superlink.workspace.glob("*.fab"))
    with zipfile.ZipFile(bundle) as content:
        tops = {name.partition("/")[0] for name in content.namelist()}
    assert tops == {*PACKAGES, "LICENSE", "pyproject.toml", ".info"}
    name = bundle.name
    bundle.unlink()
    return name
