"""Child processes: their ports and scripts, and how they end."""

import contextlib
import ctypes
import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import psutil

from fog_flower.errors import UserError

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
STOP_SECONDS = 10.0


def die_with_parent(by: signal.Signals = signal.SIGTERM) -> None:
    """Let the kernel end this process where its parent is killed (Linux only)."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, by)


def descendants(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return all that it started, and what those started."""
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def end(process: subprocess.Popen[bytes]) -> None:
    """End a process and all its descendants."""
    processes = descendants(process)
    with contextlib.suppress(psutil.NoSuchProcess):
        processes.append(psutil.Process(process.pid))
    for one in processes:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.send_signal(signal.SIGTERM)
    _, stubborn = psutil.wait_procs(processes, timeout=STOP_SECONDS)
    for one in stubborn:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    psutil.wait_procs(stubborn, timeout=STOP_SECONDS)
    process.wait()


def free_ports(count: int) -> list[int]:
    """Return ports of this machine that nobody listens on."""
    sockets = [socket.socket() for _ in range(count)]
    try:
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
    finally:
        for one in sockets:
            one.close()


def scripts() -> Path:
    """Return the folder of this environment's commands."""
    return Path(sys.executable).parent


def script(name: str) -> Path:
    """Find a command of this environment, or else on the path.

    Raises
    ------
    UserError
        If there is none.
    """
    path = scripts() / name
    if not path.exists():
        found = shutil.which(name)
        if found is None:
            raise UserError(f"{name} is not installed beside {sys.executable}: pip install flwr")
        return Path(found)
    return path
