"""Starts child processes that end with this one, and ends them."""

import contextlib
import ctypes
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from pathlib import Path

import psutil

from fog_flower.errors import UserError

PR_SET_PDEATHSIG = 1  # <linux/prctl.h>
STOP_SECONDS = 10.0
LINES = 3  # of a log, in an error message
LOCAL = "127.0.0.1"
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_ERROR = re.compile(r"ERROR|Error\b|Exception|(?<![.\w])error")  # not a logger `uvicorn.error`
# Ephemeral ports, which the system assigns to connections, begin here or higher.
FIRST_PORT, EPHEMERAL_PORTS = 20_000, Path("/proc/sys/net/ipv4/ip_local_port_range")


def start(
    command: Iterable[str],
    folder: Path,
    environment: Mapping[str, str],
    log: Path,
    dies_by: signal.Signals | None = signal.SIGTERM,
) -> subprocess.Popen[bytes]:
    """Start a process that ends with this one, in its own session.

    Parameters
    ----------
    command : iterable of str
    folder : Path
        Its working directory.
    environment : mapping
    log : Path
        File for stdout and stderr.
    dies_by : Signals, optional
        The signal that the kernel sends it when this process dies (on Linux, and if called from the
        main thread). None for a process that watches for that itself.
    """
    with log.open("wb") as output:
        return subprocess.Popen(
            list(command),
            cwd=folder,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # only this process handles Ctrl-C
            preexec_fn=_dying_with_us(dies_by),  # noqa: PLW1509  (it only calls the kernel)
        )


def _dying_with_us(by: signal.Signals | None) -> Callable[[], None] | None:
    # The kernel sends the signal when the *thread* that started the child ends.
    in_main = threading.current_thread() is threading.main_thread()
    if by is None or sys.platform != "linux" or not in_main:
        return None
    prctl = ctypes.CDLL(None).prctl  # loaded before the fork

    def ask() -> None:
        prctl(PR_SET_PDEATHSIG, int(by))

    return ask


def descendants(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """Return all descendants of a process."""
    try:
        return psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return []


def end(
    started: Sequence[subprocess.Popen[bytes]],
    by: signal.Signals = signal.SIGTERM,
    others: Iterable[psutil.Process] = (),
    left_to_end: Collection[psutil.Process] = (),
) -> None:
    """End processes, their descendants, and others; kill those that ignore the signal.

    Parameters
    ----------
    started : sequence of Popen
    by : Signals
    others : iterable of Process
    left_to_end : collection of Process
        Descendants that get no signal, because they end by themselves after their parents.
    """
    processes = [*others, *(one for process in started for one in descendants(process))]
    for process in started:
        with contextlib.suppress(psutil.NoSuchProcess):
            processes.append(psutil.Process(process.pid))
    for one in processes:
        if one not in left_to_end:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.send_signal(by)
    for one in _left(processes):
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    _left(processes)
    for process in started:  # its last threads may take a moment longer
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(STOP_SECONDS)


def _left(processes: Sequence[psutil.Process]) -> list[psutil.Process]:
    """Wait for processes to end, and return those that did not end in time."""
    deadline = time.monotonic() + STOP_SECONDS
    while left := [one for one in processes if _lives(one)]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.02)
    return left


def _lives(process: psutil.Process) -> bool:
    # A zombie has ended; in a container it may stay forever, because no parent waits for it.
    with contextlib.suppress(psutil.NoSuchProcess):
        return bool(process.status() != psutil.STATUS_ZOMBIE)
    return False


def working_in(folder: Path) -> list[psutil.Process]:
    """Return this user's processes whose working directory is ``folder``."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if Path(process.cwd()) == folder.resolve():
                found.append(process)
    return found


def how_it_ended(status: int) -> str:
    """Describe an exit status: ``exit status 1``, or ``SIGKILL``.

    Parameters
    ----------
    status : int
        As ``subprocess`` gives it (negative for a signal), or as a shell does (128 and more).
    """
    number = -status if status < 0 else status - 128
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"exit status {status}"


def last_lines(log: Path) -> str:
    """Return the last lines of a log, joined to one; only lines about errors, if there are any."""
    text = _COLOUR.sub("", log.read_text(errors="replace")) if log.exists() else ""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if _ERROR.search(line)]
    return " | ".join((telling or lines)[-LINES:]) or "it left no log"


def free_ports(count: int) -> list[int]:
    """Return free ports of this machine.

    Other processes could take them before they are used. So they are drawn at random below the
    ephemeral ports, which the system assigns to connections.
    """
    choices = range(FIRST_PORT, _first_ephemeral_port())
    drawn = random.SystemRandom().sample(choices, len(choices)) if len(choices) > count else []
    found: list[int] = []
    with contextlib.ExitStack() as held:  # until all are found, so that none is found twice
        for port in [*drawn, *([0] * count)]:  # 0: any that the system assigns
            probe = held.enter_context(socket.socket())
            with contextlib.suppress(OSError):
                probe.bind((LOCAL, port))
                found.append(probe.getsockname()[1])
            if len(found) == count:
                break
    return found


def _first_ephemeral_port() -> int:
    try:
        return int(EPHEMERAL_PORTS.read_text().split()[0])
    except (OSError, ValueError):
        return FIRST_PORT


def scripts() -> Path:
    """Return the folder of this environment's commands."""
    return Path(sys.executable).parent


def script(name: str) -> Path:
    """Return the path of a command in this environment, or else on the ``PATH``.

    Raises
    ------
    UserError
        If there is no such command.
    """
    path = scripts() / name
    if not path.exists():
        found = shutil.which(name)
        if found is None:
            raise UserError(
                f"the command {name} is neither beside {sys.executable} nor on the PATH: install "
                "into this environment with pip install 'fog-flower[simulation]', or add the "
                "folder of Flower's commands to PATH"
            )
        return Path(found)
    return path
