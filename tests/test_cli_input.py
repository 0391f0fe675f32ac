"""Bad input: one line that names the key, a status that is not 0, and nothing started."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

FOG_FLOWER = [sys.executable, "-m", "simulations.cli"]
ROOT = Path(__file__).resolve().parent.parent


def fog_flower(*arguments, cwd):
    return subprocess.run(
        [*FOG_FLOWER, *arguments], cwd=cwd, capture_output=True, text=True, timeout=120, check=False
    )


@pytest.fixture
def place(tmp_path, npz_path):
    (tmp_path / "results" / "runs" / "taken").mkdir(parents=True)
    (tmp_path / "file").write_text("in the way")
    (tmp_path / "broken").mkdir()
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
        (["model=resnet"], "model='resnet': there are cnn"),
        (["model=mine:absent"], "has no 'absent'"),
        (["strategy=FedNothing"], "strategy='FedNothing': there are"),
        (["strategy=mine:NotAStrategy"], "no flwr.serverapp.strategy.Strategy"),
        (["dataset=mnist"], "dataset='mnist': there are"),
        (["dataset=svhn", "data-dir=absent"], "lacks train_32x32.mat"),
        (["dataset=svhn", "data-dir=broken"], "corrupt or truncated"),
        (["dataset=npz:objects.npz"], "without pickle"),
        (["dataset=npz:absent.npz"], "no such file"),
        (
            ["dataset=npz:{npz}", "train-examples=601"],
            "train-examples=601: npz:bars.npz has only 600",
        ),
        (["dataset=npz:{npz}", "train-examples=9", "test-examples=0"], "need 2001 images"),
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
        (["--preset", "nope"], "preset='nope': there are demo"),
        (["--actors", "0"], "0"),
    ],
)
def test_bad_input_is_one_line_and_a_status(place, npz_path, arguments, words):
    arguments = [argument.replace("{npz}", str(npz_path)) for argument in arguments]
    answer = fog_flower("run", *arguments, cwd=place)
    assert answer.returncode not in (0, None)
    assert words in answer.stderr
    assert answer.stderr.startswith("fog-flower: ")
    assert answer.stderr.count("\n") == 1
    assert "round" not in answer.stdout
    assert [path.name for path in (place / "results" / "runs").iterdir()] == ["taken"]


def test_show_of_something_that_is_no_run(tmp_path):
    answer = fog_flower("show", "nothing", cwd=tmp_path)
    assert answer.returncode == 1
    assert "'nothing' is not a run" in answer.stderr


def test_help_and_keys_do_not_load_tensorflow_or_flower(tmp_path):
    script = (
        "import sys, simulations.cli.commands as c\n"
        "sys.argv = ['fog-flower', '--help']\n"
        "try: c.main()\n"
        "except SystemExit: pass\n"
        "heavy = {'tensorflow', 'keras', 'flwr', 'ray', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, check=True, capture_output=True)
    answer = fog_flower("keys", cwd=tmp_path)
    assert answer.returncode == 0
    assert "validation-examples" in answer.stdout
