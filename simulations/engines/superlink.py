"""A private SuperLink: its folder, its ports, and nothing left of it afterwards."""

import contextlib
import json
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
    end,
    free_ports,
    how_it_ended,
    last_lines,
    script,
    start,
    with_variable,
)
from simulations.engines.workspace import own_workspace

START_SECONDS = 120.0  # 3 on a quiet machine
COMMANDS, SIMULATION = "commands", "flwr-simulation"
HOME_VARIABLE = "FLWR_HOME"

_NO_PROXY = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class SuperLink:
    """A running SuperLink in simulation mode, which only this process uses.

    A SuperLink that ``flwr run`` starts by itself outlives it, keeps the folder and environment of
    its first run, and lets Ray put that folder ahead of every later bundle. This one lives in a
    folder of its own, so clients run the bundle and nothing else.

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
        self._simulation_status = workspace / "simulation-status"
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

    @property
    def alive(self) -> bool:
        """Whether the process is there."""
        return self._process.poll() is None

    def wait_until_ready(self) -> None:
        """Return when it answers.

        Raises
        ------
        UserError
            If it ends or does not answer in time.
        """
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.alive:
            if self._listens() and self._answers():
                return
            time.sleep(0.05)
        raise UserError(f"Flower's SuperLink did not start: {self.failure() or 'no answer'}")

    def failure(self) -> str:
        """Return how it ended; empty while it is there."""
        status = self._process.poll()
        if status is None:
            return ""
        return f"Flower's SuperLink ended ({how_it_ended(status)}): {last_lines(self._log)}"

    def flwr(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        """Run Flower's own CLI against this SuperLink."""
        return subprocess.run(
            [str(script("flwr")), *arguments],
            cwd=self.workspace,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def flwr_json(self, *arguments: str) -> tuple[dict[str, Any], str]:
        """Run Flower's own CLI; return what it prints as JSON, and the last line of the rest."""
        answer = self.flwr(*arguments, "--format", "json")
        notice, brace, rest = answer.stdout.partition("{")
        try:
            return json.loads(brace + rest), ""
        except json.JSONDecodeError:
            said = (answer.stderr.strip() or notice.strip()).splitlines()
            return {}, said[-1] if said else f"no answer ({how_it_ended(answer.returncode)})"

    @property
    def simulation_status(self) -> int | None:
        """How the simulation's process ended, as a shell gives it; None if it has not."""
        with contextlib.suppress(FileNotFoundError, ValueError):
            return int(self._simulation_status.read_text())
        return None

    @property
    def simulation_started(self) -> bool:
        """Whether Flower has started the simulation's process."""
        return self._simulation_log.exists()

    @property
    def simulation_lines(self) -> list[str]:
        """What the simulation's process has printed, without empty lines."""
        log = self._simulation_log
        lines = log.read_text(errors="replace").splitlines() if log.exists() else []
        return [line.strip() for line in lines if line.strip()]

    def last_words(self) -> str:
        """Return the end of the simulation's output in one line; without one, the SuperLink's."""
        return last_lines(self._simulation_log if self.simulation_started else self._log)

    def stop(self) -> None:
        """End it and every process it started: executors, simulations, and what those started."""
        # If it was killed, what it started is not below it any more.
        home = self.environment[HOME_VARIABLE]
        end(self._process, others=() if self.alive else with_variable(HOME_VARIABLE, home))

    def _listens(self) -> bool:
        """Whether it is this process, and no other one, that has the port."""
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
        # With an address of its own, Flower's CLI never starts a SuperLink.
        home = Path(self.environment[HOME_VARIABLE])
        home.mkdir()
        (home / "config.toml").write_text(
            '[superlink]\ndefault = "ours"\n\n'
            f'[superlink.ours]\naddress = "{LOCAL}:{self._port}"\ninsecure = true\n'
        )

    def _write_simulation_command(self) -> None:
        """Write what Flower finds as ``flwr-simulation``: it keeps the output and the status."""
        python = shlex.join([sys.executable, "-P", "-m", "simulations.engines.flower_simulation"])
        log, status = (shlex.quote(str(p)) for p in (self._simulation_log, self._simulation_status))
        command = self.workspace / COMMANDS / SIMULATION
        command.parent.mkdir()
        command.write_text(
            f'#!/bin/sh\n{python} "$@" > {log} 2>&1\necho $? > {status}.new\n'
            f"mv {status}.new {status}\n"
        )
        command.chmod(0o700)


@contextlib.contextmanager
def own_superlink(own_folders: Iterable[str], **variables: str) -> Iterator[SuperLink]:
    """Start a SuperLink in a temporary folder; both are gone afterwards, however one leaves.

    Parameters
    ----------
    own_folders : iterable of str
        Folders of the user's that the app may import from.
    **variables : str
        Environment variables for its processes.
    """
    with own_workspace() as workspace:
        environment = run_environment(workspace, own_folders, workspace / COMMANDS)
        (port,) = free_ports(1)
        superlink = SuperLink(workspace, port, {**environment, **variables})
        try:
            yield superlink
        finally:
            superlink.stop()
