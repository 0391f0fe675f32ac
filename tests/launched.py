"""Runs that are started as users start them: with the command line, in their own process."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import psutil

LIMIT_SECONDS = 300
ASKED_FOR = "FOG_FLOWER_SLOW_TESTS"  # if set, the slowest tests run too
SMALL = (
    *("train-examples=360", "validation-examples=100", "test-examples=100"),
    *("gate-args=examples=0", "end-nodes=2", "model=mlp-2-hidden", "artifacts="),
)
MARK = "FOG_FLOWER_TEST"  # inherited by every process of a run
ONE_ACTOR = ("--actors", "1")  # if more would only load TensorFlow more often


def start(cwd: Path, *arguments: str, **environment: str) -> subprocess.Popen:
    """Start ``fog-flower`` in a folder."""
    return subprocess.Popen(
        [str(Path(sys.executable).parent / "fog-flower"), *arguments],
        cwd=cwd,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        env={**os.environ, **environment},
        # Tests that run in the background inherit an ignored SIGINT.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509
    )


def finish(process: subprocess.Popen) -> tuple[int, str]:
    """Wait for a process to end; return exit status and output."""
    output, _ = process.communicate(timeout=LIMIT_SECONDS)
    return process.returncode, output


def fog_flower(cwd: Path, *arguments: str, **environment: str) -> tuple[int, str]:
    """Run ``fog-flower``; return exit status and output."""
    return finish(start(cwd, *arguments, **environment))


def wait_for(
    condition: Callable[[], object], process: subprocess.Popen, seconds: float = 240.0
) -> None:
    """Wait until the condition holds, and fail if the process ends before."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "waited in vain"
        time.sleep(0.1)


def flower_processes(cwd):
    """Return the processes of Flower and Ray that were started by runs from ``cwd``."""
    names = ("flower-superlink", "flower-superexec", "flwr-simulation", "raylet", "ray::")
    found = []
    for process in psutil.process_iter(["cmdline", "status", "environ"]):
        line = " ".join(process.info["cmdline"] or [])
        ours = (process.info["environ"] or {}).get(MARK) == str(cwd)
        if ours and any(name in line for name in names) and process.info["status"] != "zombie":
            found.append(process)
    return found
