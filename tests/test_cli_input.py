"""Bad input: one line that names the key, a status that is not 0, and nothing started."""

import dataclasses
import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import numpy as np
import pytest

from clients.attacks import ATTACKS
from fog_flower.config import RunConfig
from fog_flower.models import MODELS
from simulations.cli import commands
from strategies.gates import GATES

ROOT = Path(__file__).resolve().parent.parent


@dataclasses.dataclass(frozen=True)
class Answer:
    """What a command has printed, and its status."""

    returncode: int
    stdout: str
    stderr: str


def in_a_process(*arguments, cwd, **environment):
    """Run the command as a user does; it takes seconds to load."""
    return subprocess.run(
        [sys.executable, "-m", "simulations.cli", *arguments],
        cwd=cwd,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture
def fog_flower(monkeypatch, capsys):
    """Return a function that runs the command in this process: what it loads is loaded once."""
    # Other tests have modules of this name in folders of their own.
    monkeypatch.setattr(sys, "path", [path for path in sys.path if "pytest-" not in path])
    monkeypatch.delitem(sys.modules, "mine", raising=False)

    def call(*arguments, cwd):
        monkeypatch.chdir(cwd)
        monkeypatch.setattr(sys, "argv", ["fog-flower", *arguments])
        capsys.readouterr()
        try:
            status = commands._status() or 0
        except SystemExit as error:
            status = error.code or 0
        return Answer(status, *capsys.readouterr())

    yield call
    sys.modules.pop("mine", None)


@pytest.fixture
def place(tmp_path, npz_path):
    (tmp_path / "results" / "runs" / "taken").mkdir(parents=True)
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "broken").mkdir()
    (tmp_path / "table").mkdir()
    (tmp_path / "table" / "train.csv").write_text("age,kind\n1,a\n")
    for name in ("train_32x32.mat", "test_32x32.mat"):
        (tmp_path / "broken" / name).write_bytes(b"MATLAB 5.0 MAT-file, and then nothing")
    np.savez(tmp_path / "objects.npz", x_train=np.array([{}]), y_train=1, x_test=2, y_test=3)
    (tmp_path / "mine.py").write_text("class NotAStrategy: pass\n")
    return tmp_path


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["fog-nods=3"], "unknown key fog-nods='3': did you mean fog-nodes"),
        (["fog-nodes=many"], "fog-nodes='many': must be a whole number"),
        (["model=resnet"], "model='resnet': choose from cnn"),
        (["model=mine:absent"], "has no 'absent'"),
        (["strategy=FedNothing"], "strategy='FedNothing': choose from"),
        (["strategy=mine:NotAStrategy"], "no flwr.serverapp.strategy.Strategy"),
        (["dataset=nist"], "dataset='nist': choose from"),
        (["dataset=svhn", "data-dir=absent"], "/absent' is not a folder"),
        (["dataset=svhn", "data-dir=broken"], "corrupt or truncated"),
        (["dataset=npz:objects.npz"], "without pickle"),
        (["dataset=npz:absent.npz"], "no such file"),
        (
            ["dataset=npz:{npz}", "train-examples=601"],
            "train-examples=601: need 601 examples, but the training part of npz:bars.npz has",
        ),
        (["dataset=npz:{npz}", "train-examples=9", "test-examples=0"], "need 2001 examples"),
        (
            ["dataset=npz:{npz}", "train-examples=9", "validation-examples=250"],
            "has only 400; ask for fewer; test-examples=0 takes the 150 that the others leave; or",
        ),
        (
            ["dataset=npz:{npz}", "train-examples=9", "validation-examples=500"],
            "has only 400; ask for at most validation-examples=399; or take the test set from",
        ),
        (["dataset=objects.npz"], "a file of arrays is dataset=npz:objects.npz"),
        (["dataset=table/train.csv"], "name the folder: dataset=hf:"),
        (["dataset=table"], "a folder of files is dataset=hf:"),
        (["dataset=absent/train.csv"], "no such file or folder; files are dataset=npz:FILE.npz"),
        (["dataset-args=inputs=age"], "text in quotes, e.g. dataset-args=\"inputs='age'\""),
        (["strategy-args=gated=True,a=x,b=2"], "strategy-args=\"gated=True,a='x',b=2\""),
        (["dataset-args=age"], "e.g. dataset-args=\"inputs='image',targets='label'\""),
        (["gate-args=0.1"], 'e.g. gate-args="tolerance=0.1,examples=500"'),
        (["protection=noise(strong)"], "='noise(strong)': write name=value"),
        (["--rounds", "3"], "'--rounds': settings have no dashes: num-server-rounds=3"),
        (["--fog-nodes=7", "model=mlp"], "'--fog-nodes': settings have no dashes: fog-nodes=7"),
        (["--fog_nods", "7"], "'--fog_nods': settings have no dashes: fog-nodes=7"),
        (["--model"], "'--model': settings have no dashes: model=VALUE"),
        (["--flavour", "3"], "No such option '--flavour'"),
        (
            ["train-examples=80000"],
            "train-examples=80000: rendered-digits has 73257 images for that",
        ),
        (["validation-examples=26032"], "has 26032 images for that, not 28032"),
        (["run-name=taken"], "exists, and results are never overwritten"),
        (["results-dir=file/below"], "cannot write"),
        (["rounds"], "write it as key=value"),
        (["attack=sign-flip"], "malicious-nodes='0': say how many"),
        (["malicious-nodes=1"], "attack='none': say what they do"),
        (["gate=of"], "choose from off, alone, cloud-alone"),
        (["gate=of"], "did you mean off?"),
        (["strategy=Krumm"], "did you mean Krum?"),
        (["protection=gausian(epsilon=8)"], "did you mean gaussian?"),
        (["gate=off", "gate-args=errror=0.1"], "gate=off judges nothing"),
        (["protection=", "noise-sigma=0.1"], "no such noise is added; use protection=noise"),
        (["attack-strength=3"], "nobody attacks; name an attack, or leave attack-strength out"),
        (["attack-rounds=2-3"], "nobody attacks; name an attack, or leave attack-rounds out"),
        (["--preset", "nope"], "preset='nope': choose from demo"),
        (["--actors", "0"], "0"),
    ],
)
def test_bad_input_is_one_line_and_a_status(fog_flower, place, npz_path, arguments, words):
    arguments = [argument.replace("{npz}", str(npz_path)) for argument in arguments]
    answer = fog_flower("run", *arguments, cwd=place)
    assert answer.returncode not in (0, None)
    assert words in answer.stderr
    assert answer.stderr.startswith("fog-flower: ")
    assert answer.stderr.count("\n") == 1
    assert "round" not in answer.stdout
    assert [path.name for path in (place / "results" / "runs").iterdir()] == ["taken"]


@pytest.mark.parametrize("arguments", [["model=resnet"], ["dataset=svhn", "data-dir=broken"]])
def test_no_library_says_a_word_of_its_own(place, arguments):
    answer = in_a_process("run", *arguments, cwd=place)
    assert answer.returncode == 1
    assert answer.stderr.startswith("fog-flower: ")
    assert answer.stderr.count("\n") == 1


def test_show_of_something_that_is_no_run(fog_flower, tmp_path):
    answer = fog_flower("show", "nothing", cwd=tmp_path)
    assert answer.returncode == 1
    assert "'nothing' is not a run" in answer.stderr


@pytest.mark.parametrize("command", ["show", "audit", "continue"])
def test_a_folder_of_runs_is_not_taken_for_one(fog_flower, place, command):
    runs = place / "results" / "runs" / "sweep"
    for name in ("a", "b"):
        (runs / name / "seed-0").mkdir(parents=True)
        (runs / name / "seed-0" / "run.json").write_text("{}")
    answer = fog_flower(command, "sweep", cwd=place)
    assert answer.returncode == 1
    told = (
        "fog-flower: 'sweep' is not a run, but holds 2: name one of them, e.g. results/runs/sweep/a"
    )
    assert answer.stderr.startswith(told)
    assert answer.stderr.count("\n") == 1


def test_without_a_command_there_is_help(fog_flower, tmp_path):
    answer = fog_flower(cwd=tmp_path)
    assert (answer.returncode, answer.stderr) == (0, "")
    assert "Usage:" in answer.stdout
    assert "compare" in answer.stdout
    data = fog_flower("data", cwd=tmp_path)
    assert "Usage:" in data.stdout
    assert "fog-flower: \n" not in data.stderr


def test_the_version_is_that_of_the_project(fog_flower, tmp_path):
    pyproject = tomllib.loads((ROOT / "pyproject.toml").read_text())
    answer = fog_flower("--version", cwd=tmp_path)
    assert answer.stdout.split() == ["fog-flower", pyproject["project"]["version"]]


def test_a_command_that_is_nearly_one_is_suggested_once(fog_flower, tmp_path):
    answer = fog_flower("rum", cwd=tmp_path)
    assert answer.returncode == 2
    assert answer.stderr.count("Did you mean 'run'?") == 1


@pytest.mark.parametrize(
    "command",
    [
        *("run", "demo", "sweep", "compare", "bench", "check", "audit", "keys", "report"),
        *("continue", "show", "watch", "data prepare", "data sheet", "data realism"),
    ],
)
def test_each_command_s_help_shows_an_example(fog_flower, tmp_path, command):
    shown = fog_flower(*command.split(), "--help", cwd=tmp_path).stdout
    assert f"Example: fog-flower {command}" in shown


def test_help_explains_each_argument(fog_flower, tmp_path):
    shown = fog_flower("check", "--help", cwd=tmp_path).stdout
    assert "KIND: strategy, gate, model," in shown


def test_keys_come_in_groups_and_none_is_cut(tmp_path):
    answer = in_a_process("keys", cwd=tmp_path, COLUMNS="60")
    lines = answer.stdout.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == [
        *("DATA", "TIERS", "TRAINING", "CLOUD", "ATTACK", "RUN")
    ]
    assert max(map(len, lines)) <= 60
    said = " ".join(answer.stdout.split())
    for key, field in RunConfig.keys().items():
        assert f"{key}=" in said
        assert " ".join(field.metadata["help"].split()) in said
    for catalogue in (ATTACKS, GATES, MODELS):
        assert f"{', '.join(catalogue.names())}" in said


def test_keys_are_found_by_words_and_groups(fog_flower, tmp_path):
    def keys(*words):
        found = fog_flower("keys", *words, cwd=tmp_path).stdout
        return re.findall(r"^  ([a-z-]+)=", found, re.MULTILINE)

    assert {"noise-sigma", "noise-unit", "protection"} <= set(keys("noise"))
    assert "batch-size" not in keys("noise")
    assert keys("cloud", "ARGUMENTS") == ["strategy-args", "gate-args"]
    assert "attack" in keys("sign-flip")
    answer = fog_flower("keys", "[red]nothing", cwd=tmp_path)
    assert answer.returncode == 1
    assert (
        answer.stderr
        == "fog-flower: no key contains [red]nothing; fog-flower keys lists all keys\n"
    )


def test_a_name_with_commands_to_a_terminal_is_one_harmless_line(fog_flower, tmp_path):
    for name in ("\x1b[31mred", "[/]", "two\nlines"):
        answer = fog_flower("show", name, cwd=tmp_path)
        assert answer.returncode == 1
        assert answer.stderr.count("\n") == 1
        assert "\x1b" not in answer.stderr
