"""The command itself: interrupted at any time, and started among a user's own files."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import fog_flower_command
from fog_flower.errors import UserError
from fog_flower.named import load_reference
from simulations.cli import commands
from tests.clashes import make_clashes
from tests.launched import SMALL, finish, fog_flower, start, wait_for


def catches_sigterm(pid: int) -> bool:
    """Tell whether a process has a handler of its own, which Python alone never sets."""
    status = Path(f"/proc/{pid}/status").read_text()
    mask = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(mask, 16) >> (signal.SIGTERM - 1) & 1)


@pytest.mark.skipif(sys.platform != "linux", reason="looks at /proc")
@pytest.mark.parametrize(
    ("seconds", "number"),
    [
        *((seconds, signal.SIGINT) for seconds in (0.0, 0.4, 1.5, 4.0)),
        (0.4, signal.SIGTERM),  # which has the same handler
    ],
)
def test_an_interrupt_is_one_line_and_status_130_from_the_first_moment_on(
    tmp_path, npz_path, seconds, number
):
    process = start(tmp_path, "run", f"dataset=npz:{npz_path}", *SMALL, "num-server-rounds=500")
    wait_for(lambda: catches_sigterm(process.pid), process)
    time.sleep(seconds)
    process.send_signal(number)
    code, output = finish(process)
    assert code == 130, output
    last = output.splitlines()[-1]
    assert last.startswith("fog-flower: interrupted"), output
    assert "Traceback" not in output


SWALLOWS = """
import time
from simulations.cli.commands import _Interrupts

_Interrupts()
try:
    try:
        print("ready", flush=True)
        time.sleep(60)
    except BaseException:  # as a library does, while it is imported
        pass
    time.sleep(60)
except KeyboardInterrupt:
    time.sleep(5)  # what was started is being stopped: no second one comes in between
    print("stopped in peace")
"""


STOPS_SLOWLY = """
import sys, time
from simulations.cli import commands

def status():
    print("ready", flush=True)
    try:
        time.sleep(60)
    finally:
        time.sleep(3)
commands._status = status
sys.argv = ["fog-flower"]
import atexit
atexit.register(time.sleep, 3)  # threads and libraries take their time to end
commands.main()
"""


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("run a=1", "to continue, use fog-flower continue RUN"),
        ("continue mine", "to continue, use fog-flower continue RUN"),
        ("compare --seeds 0", "repeat the command: runs that are recorded"),
        ("audit results/runs/mine", "repeat the command: audits whose findings are recorded"),
        ("show mine", "interrupted"),
        ("", "interrupted"),
    ],
)
def test_an_interrupt_says_how_to_continue_this_command(monkeypatch, typed, words):
    monkeypatch.setattr(sys, "argv", ["fog-flower", *typed.split()])
    assert words in commands._interrupted()
    assert ("continue" in commands._interrupted()) == (words != "interrupted")


def started(script: str) -> subprocess.Popen:
    process = subprocess.Popen(
        [sys.executable, "-c", script],
        stdout=subprocess.PIPE,
        text=True,
        # Whoever runs the tests in the background hands down an ignored Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )
    assert process.stdout.readline() == "ready\n"
    return process


def test_nothing_interrupts_the_end_of_the_command():
    process = started(STOPS_SLOWLY)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=60)
    assert process.returncode == 130


def test_an_interrupt_that_somebody_swallows_comes_again():
    process = started(SWALLOWS)
    process.send_signal(signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert output == "stopped in peace\n"
    assert process.returncode == 0


def test_a_users_files_hide_neither_our_packages_nor_libraries(tmp_path, npz_path):
    here, elsewhere = make_clashes(tmp_path / "here"), make_clashes(tmp_path / "elsewhere")
    (here / "mine.py").write_text(
        "from flwr.serverapp.strategy import FedAvg\n\nclass Mine(FedAvg):\n    pass\n"
    )
    (elsewhere / "helpers.py").write_text("FACTOR = 1.0\n")
    with (here / "mine.py").open("a") as file:
        file.write("\nimport helpers\n")
    code, output = fog_flower(
        here,
        *("run", "--engine", "inline", f"dataset=npz:{npz_path}", *SMALL, "strategy=mine:Mine"),
        *("num-server-rounds=1", "run-name=mine"),
        PYTHONPATH=str(elsewhere),
    )
    assert code == 0, output
    assert (here / "results" / "runs" / "mine" / "run.json").exists()


@pytest.mark.parametrize(
    ("reference", "words"),
    [
        ("strategies.mine:Mine", "fog-flower has a package 'strategies' of its own"),
        ("clients:Mine", "fog-flower has a package 'clients' of its own"),
        ("numpy:Mine", "numpy/__init__.py comes before {here}/numpy.py: give yours another name"),
        ("json:Mine", "Python has a module 'json' of its own"),
        ("imports_one:Mine", "fog-flower has a package 'strategies' of its own"),
        ("imports_other:Mine", "give yours another name"),
        ("nowhere:Mine", "run from the folder that holds it, or install it"),
    ],
)
def test_an_error_names_what_stands_before_a_users_module(tmp_path, monkeypatch, reference, words):
    for name in ("strategies/mine.py", "clients.py", "numpy.py", "json.py"):
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("class Mine: pass\n")
    (tmp_path / "imports_one.py").write_text("from strategies.mine import Mine\n")
    (tmp_path / "imports_other.py").write_text("from numpy import Mine\n")
    monkeypatch.setattr(sys, "path", [*sys.path, str(tmp_path)])
    with pytest.raises(UserError, match="strategy=") as caught:
        load_reference(reference, "strategy")
    assert words.format(here=tmp_path) in str(caught.value)


def test_a_hidden_package_of_ours_is_named_with_what_hides_it(tmp_path, monkeypatch):
    assert fog_flower_command.hidden_package() == ""
    (tmp_path / "strategies").mkdir()
    (tmp_path / "strategies" / "__init__.py").write_text("")
    for name in [name for name in sys.modules if name.partition(".")[0] == "strategies"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    said = fog_flower_command.hidden_package()
    assert said.startswith(f"its package 'strategies' is hidden by {tmp_path}/strategies/")


def test_an_audit_says_nothing_of_libraries(tmp_path, npz_path):
    code, output = fog_flower(
        tmp_path,
        *("audit", f"dataset=npz:{npz_path}", *SMALL, "num-server-rounds=1"),
        *("gate=off", "gate-args="),
        *("strategy=central-dp", "strategy-args=delta=1e-3", "noise-source=entropy"),
        *("protection=", "--only", "central-dp", "--out", "found"),
    )
    assert code == 0, output
    assert output.startswith("audit 1/1 central-dp ..."), output
    for word in ("WARNING", "tensorflow", "oneDNN", "cuda", "flwr"):
        assert word not in output


def test_libraries_say_nothing_of_their_own_on_the_terminal(tmp_path, npz_path):
    """Flower's data sets, pyarrow, Matplotlib without a cache and TensorFlow would."""
    (home := tmp_path / "home").write_text("so nobody can make a folder in it")
    code, output = fog_flower(
        tmp_path,
        *("run", "--engine", "inline", f"dataset=npz:{npz_path}", *SMALL, "num-server-rounds=1"),
        *("partition=dirichlet:1.0", "artifacts=curves", "run-name=quiet"),
        HOME=str(home),
    )
    assert code == 0, output
    first = output.splitlines()[0]
    assert first.startswith("3 fog nodes"), output
    for word in ("Warning", "atplotlib", "arrow", "tensorflow", "INFO", "flwr"):
        assert word not in output
