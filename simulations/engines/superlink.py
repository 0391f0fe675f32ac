"""A private SuperLink with its own folder and port, which is removed afterwards."""

import contextlib
import json
import os
import shlex
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil

from fog_flower.errors import UserError
from simulations.engines.environment import run_environment
from simulations.engines.processes import (
    LOCAL,
    descendants,
    end,
    free_ports,
    how_it_ended,
    last_lines,
    script,
    start,
    working_in,
)
from simulations.engines.workspace import own_workspace

START_SECONDS = 120.0  # 3 on a quiet machine
COMMAND_SECONDS = 300.0  # for a Flower command; 2 on a quiet machine
COMMANDS, SIMULATION = "commands", "flwr-simulation"
HOME_VARIABLE = "FLWR_HOME"

_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class SuperLink:
    """A SuperLink in simulation mode for one run, used by this process only.

    A SuperLink that ``flwr run`` starts outlives the run, keeps the folder and environment of its
    first run, and lets Ray import from that folder before every later bundle. This one has its own
    folder, so clients run the code of the bundle only.

    Flower would load its command line and the simulation process one after the other, when each is
    needed. Here the SuperLink and both of them load in parallel.

    Parameters
    ----------
    workspace : Path
        An empty folder.
    port : int
    environment : mapping
        From ``run_environment``.
    """

    def __init__(self, workspace: Path, port: int, environment: Mapping[str, str]) -> None:
        self.workspace = workspace
        self.environment = dict(environment)
        self._port = port
        self._log = workspace / "superlink.out"
        self._simulation_log = workspace / "simulation.out"
        self._arguments = workspace / "simulation-arguments"
        self._write_settings()
        self._write_simulation_command()
        self._process = start(
            [
                str(script("flower-superlink")),
                *("--insecure", "--simulation", "--isolation", "subprocess"),
                *("--host", LOCAL, "--port", str(port)),
                *("--log-file", str(workspace / "superlink.log")),
            ],
            workspace,
            self.environment,
            self._log,
        )
        self._first_command: subprocess.Popen[str] | None = self._load("flower_command")
        self._simulation = start(
            _python("flower_simulation", str(self._arguments)),
            workspace,
            self.environment,
            self._simulation_log,
            dies_by=None,  # it watches for that itself
        )

    @property
    def alive(self) -> bool:
        """Whether the process is running."""
        return self._process.poll() is None

    def wait_until_ready(self) -> None:
        """Wait until the SuperLink answers.

        Raises
        ------
        UserError
            If it ends or does not answer in time.
        """
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.alive:
            if self._answers() and self._listens():
                return
            time.sleep(0.05)
        raise UserError(f"Flower's SuperLink did not start: {self.failure() or 'no answer'}")

    def failure(self) -> str:
        """Return how the SuperLink ended; empty while it is running."""
        status = self._process.poll()
        if status is None:
            return ""
        return f"Flower's SuperLink ended ({how_it_ended(status)}): {last_lines(self._log)}"

    def flwr(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Flower's own CLI against this SuperLink."""
        command = self._first_command or self._load("flower_command")
        self._first_command = None
        try:
            output, errors = command.communicate(json.dumps(arguments) + "\n", COMMAND_SECONDS)
        except subprocess.TimeoutExpired:
            command.kill()
            output, errors = command.communicate()
            errors += f"\n`flwr {arguments[0]}` gave no answer in {COMMAND_SECONDS:.0f} s"
        return subprocess.CompletedProcess(command.args, command.returncode, output, errors)

    def flwr_json(self, *arguments: str) -> tuple[dict[str, Any], str]:
        """Run Flower's own CLI; return its JSON output, or else {} and its last line of text."""
        answer = self.flwr(*arguments, "--format", "json")
        notice, brace, rest = answer.stdout.partition("{")
        try:
            return json.loads(brace + rest), ""
        except json.JSONDecodeError:
            said = (answer.stderr.strip() or notice.strip()).splitlines()
            return {}, said[-1] if said else f"no answer ({how_it_ended(answer.returncode)})"

    @property
    def simulation_status(self) -> int | None:
        """Exit status of the simulation process; None while it is running."""
        return self._simulation.poll()

    @property
    def simulation_started(self) -> bool:
        """Whether Flower has started the simulation."""
        return self._arguments.exists()

    @property
    def simulation_lines(self) -> list[str]:
        """The lines that the simulation process has printed, without empty ones."""
        log = self._simulation_log
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return [line.strip() for line in lines if line.strip()]

    def last_words(self) -> str:
        """Return the end of the simulation's log in one line, or of the SuperLink's before that."""
        return last_lines(self._simulation_log if self.simulation_started else self._log)

    def stop(self) -> None:
        """End the SuperLink, the simulation, and all their descendants."""
        if self._first_command:
            self._first_command.kill()
            self._first_command.communicate()
        # If the SuperLink was killed, its children are no longer its descendants.
        others = () if self.alive else working_in(self.workspace)
        # A tracker in the ServerApp may need its own helper process to finish.
        helpers = descendants(self._simulation)
        end([self._simulation, self._process], others=others, left_to_end=helpers)

    def _load(self, module: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            _python(module),
            cwd=self.workspace,
            env=self.environment,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )

    def _listens(self) -> bool:
        """Check whether the port belongs to this SuperLink, not to another process."""
        with contextlib.suppress(psutil.Error):
            sockets = psutil.Process(self._process.pid).net_connections("tcp")
            return any(one.laddr and one.laddr.port == self._port for one in sockets)
        return False

    def _answers(self) -> bool:
        url = f"http://{LOCAL}:{self._port}/health"
        try:
            with _NO_PROXY.open(url, timeout=5):
                return True
        except (urllib.error.URLError, OSError):
            return False

    def _write_settings(self) -> None:
        # With this address configured, Flower's CLI never starts a SuperLink.
        home = Path(self.environment[HOME_VARIABLE])
        home.mkdir()
        (home / "config.toml").write_text(
            '[superlink]\ndefault = "ours"\n\n'
            f'[superlink.ours]\naddress = "{LOCAL}:{self._port}"\ninsecure = true\n'
        )

    def _write_simulation_command(self) -> None:
        """Write the command that Flower finds as ``flwr-simulation``; it wakes the loaded process.

        Raises
        ------
        UserError
            If the workspace is mounted noexec.
        """
        arguments, flowers = (shlex.quote(str(p)) for p in (self._arguments, script(SIMULATION)))
        command = self.workspace / COMMANDS / SIMULATION
        command.parent.mkdir()
        command.write_text(
            f'#!/bin/sh\n[ -e {arguments} ] && exec {flowers} "$@"  # a second run\n'
            f"printf '%s\\n' \"$@\" > {arguments}.new && mv {arguments}.new {arguments}\n"
        )
        command.chmod(0o700)
        if not os.access(command, os.X_OK):
            raise UserError(
                f"no program can be run from {self.workspace.parent} (it is mounted noexec): set "
                "TMPDIR to another folder"
            )


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-P", "-m", f"simulations.engines.{module}", *arguments]


@contextlib.contextmanager
def own_superlink(own_folders: Iterable[str], **variables: str) -> Iterator[SuperLink]:
    """Start a SuperLink in a temporary folder, and always remove both afterwards.

    Parameters
    ----------
    own_folders : iterable of str
        Folders of the user that the app may import from.
    **variables : str
        Further environment variables for its processes.
    """
    with own_workspace() as workspace:
        environment = run_environment(workspace, own_folders, workspace / COMMANDS)
        (port,) = free_ports(1)
        superlink = SuperLink(workspace, port, {**environment, **variables})
        try:
            yield superlink
        finally:
            superlink.stop()
