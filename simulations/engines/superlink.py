"""A SuperLink of one's own: its folder, its ports, and nothing left of it afterwards."""

import contextlib
import os
import subprocess
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

import psutil

from fog_flower.data.rendered.version import renderer_version
from fog_flower.errors import UserError
from fog_flower.orphan_watch import this_process
from fog_flower.variables import GIT_COMMIT_VARIABLE, LAUNCHER_VARIABLE, RENDERER_VARIABLE
from simulations.checkout import checkout_commit
from simulations.engines.processes import (
    descendants,
    die_with_parent,
    end,
    free_ports,
    script,
    scripts,
)
from simulations.engines.ray_head import own_ray
from simulations.placement import Placement
from simulations.workspace import own_workspace

START_SECONDS = 60.0


class SuperLink:
    """A running SuperLink in simulation mode, which only this process uses.

    A SuperLink that ``flwr run`` starts by itself outlives it, keeps the folder and environment of
    its first run, and lets Ray put that folder ahead of every later bundle. This one lives in a
    folder of its own, so clients run the bundle and nothing else.
    """

    def __init__(self, workspace: Path, environment: Mapping[str, str]) -> None:
        self.workspace = workspace
        self.log = workspace / "superlink.log"
        self.environment = dict(environment)
        self._port = self.environment["FLWR_LOCAL_SUPERLINK_HTTP_API_PORT"]
        with (workspace / "superlink.out").open("wb") as output:
            self._process = subprocess.Popen(
                [
                    str(script("flower-superlink")),
                    "--insecure",
                    "--simulation",
                    *("--isolation", "subprocess"),
                    *("--host", "127.0.0.1"),
                    *("--port", self._port),
                    *("--log-file", str(self.log)),
                ],
                cwd=workspace,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C is ours to handle
                preexec_fn=die_with_parent,  # noqa: PLW1509  (no threads here yet)
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
            with contextlib.suppress(urllib.error.URLError, OSError):
                url = f"http://127.0.0.1:{self._port}/health"
                with urllib.request.urlopen(url, timeout=2):
                    return
            time.sleep(0.05)
        raise UserError(f"Flower's SuperLink did not start: {last_lines(self.log)}")

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

    def simulation_running(self) -> bool:
        """Whether a process of a run is there; Flower reports an ended run within seconds only."""
        return any("flwr-simulation" in " ".join(_command(p)) for p in descendants(self._process))

    def stop(self) -> None:
        """End it and every process it started: executors, simulations, Ray and its actors."""
        end(self._process)


@contextlib.contextmanager
def own_superlink(
    python_path: Iterable[str], placed: Placement | None = None
) -> Iterator[SuperLink]:
    """Start a SuperLink in a temporary folder; both are gone afterwards, however one leaves.

    Parameters
    ----------
    python_path : iterable of str
        Folders whose modules the app may import.
    placed : Placement, optional
        Starts a Ray of this size beside it; without one, Flower starts Ray itself.
    """
    with own_workspace() as workspace, contextlib.ExitStack() as started:
        environment = _environment(workspace, python_path)
        if placed:
            environment["RAY_ADDRESS"] = started.enter_context(own_ray(placed, environment))
        superlink = SuperLink(workspace, environment)
        started.callback(superlink.stop)
        yield superlink


def last_lines(log: Path, count: int = 3) -> str:
    """Return the end of a log in one line."""
    lines = log.read_text(errors="replace").splitlines() if log.exists() else []
    return " | ".join(line.strip() for line in lines[-count:]) or "it left no log"


def _environment(workspace: Path, python_path: Iterable[str]) -> dict[str, str]:
    http, control = free_ports(2)
    inherited = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "FLWR_HOME")}
    return {
        **inherited,
        "PATH": os.pathsep.join([str(scripts()), os.environ.get("PATH", "")]),
        "PYTHONPATH": os.pathsep.join(python_path),
        "FLWR_HOME": str(workspace / "flwr"),
        "FLWR_LOCAL_SUPERLINK_HTTP_API_PORT": str(http),
        "FLWR_LOCAL_CONTROL_API_PORT": str(control),
        # This environment has what the app needs; a fresh one per run costs 4 to 13 seconds.
        "FLWR_DISABLE_RUNTIME_DEPENDENCY_INSTALLATION": "1",
        "FLWR_DISABLE_UPDATE_CHECK": "1",
        "FLWR_TELEMETRY_ENABLED": "0",
        "RAY_USAGE_STATS_ENABLED": "0",
        # Ray would start workers that the actors, with their own environment, never use.
        "RAY_enable_worker_prestart": "0",
        "RAY_prestart_worker_first_driver": "0",
        "FOG_FLOWER_SCRATCH": str(workspace / "node-data"),
        RENDERER_VARIABLE: renderer_version(),
        GIT_COMMIT_VARIABLE: checkout_commit(),
        LAUNCHER_VARIABLE: this_process(),
    }


def _command(process: psutil.Process) -> list[str]:
    try:
        return [] if process.status() == psutil.STATUS_ZOMBIE else process.cmdline()
    except (psutil.NoSuchProcess, psutil.AccessDenied):
        return []
