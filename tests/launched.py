"""Runs that are started as users start them: by the command line, in a process of their own."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

LIMIT_SECONDS = 300
ASKED_FOR = "FOG_FLOWER_SLOW_TESTS"  # where it is set, the slowest tests run as well
SMALL = (
    *("train-examples=360", "validation-examples=100", "test-examples=100"),
    *("gate-args=examples=0", "end-nodes=2", "model=mlp-2-hidden", "artifacts="),
)
MARK = "FOG_FLOWER_TEST"  # inherited by every process of a run
ONE_ACTOR = ("--actors", "1")  # where more would only load TensorFlow once more


def start(cwd: Path, *arguments: str, **environment: str) -> subprocess.Popen:
    """Start ``fog-flower`` in a folder."""
    return subprocess.Popen(
        [str(Path(sys.executable).parent / "fog-flower"), *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment},
        # Whoever runs the tests in the background hands down an ignored Ctrl-C.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )


def finish(process: subprocess.Popen) -> tuple[int, str]:
    """Wait for its end; return status and output."""
    output, _ = process.communicate(timeout=LIMIT_SECONDS)
    return process.returncode, output


def fog_flower(cwd: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run ``fog-flower``; return status and output."""
    return finish(start(cwd, *arguments, **environment))


def wait_for(
    condition: Callable[[], object], process: subprocess.Popen, seconds: float = 240.0
) -> None:
    """Return when the condition holds, while the process lives."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def flower_processes(cwd):
    """Return the processes of Flower and Ray that runs from ``cwd`` started."""
    names = ("flower-superlink", "flower-superexec", "flwr-simulation", "raylet", "ray::")
    found = []
    for process in psutil.process_iter(["cmdline", "status", "environ"]):
        line = " ".join(process.info["cmdline"] or [])
        ours = (process.info["environ"] or {}).get(MARK) == str(cwd)
        if ours and any(name in line for name in names) and process.info["status"] != "zombie":
            found.append(process)
    return found
