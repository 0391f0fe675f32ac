"""A real deployment on this machine's loopback, with a process for each part."""

import contextlib
import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import psutil
import tomli_w

from simulations.app_folder import app_folder
from simulations.engines.processes import end, free_ports, script, scripts

START_SECONDS = 60.0


class Deployment:
    """A SuperLink with its SuperNodes, controlled by Flower's CLI.

    All processes work in ``folder``; ``close`` ends them.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.nodes: dict[int, subprocess.Popen[bytes]] = {}
        (self._port,) = free_ports(1)
        self._others: list[subprocess.Popen[bytes]] = []
        inherited = {k: v for k, v in os.environ.items() if not k.startswith(("FLWR_", "PYTHON"))}
        self.environment = {
            **inherited,
            "PATH": os.pathsep.join([str(scripts()), os.environ.get("PATH", "")]),
            "FLWR_HOME": str(folder / "flwr"),
            "FLWR_DISABLE_UPDATE_CHECK": "1",
            "FLWR_TELEMETRY_ENABLED": "0",
            "FLWR_SUPEREXEC_TASK_POLL_INTERVAL": "0.25",
            "FOG_FLOWER_SCRATCH": str(folder / "node-data"),
        }
        self._app = app_folder(folder)

    def start_superlink(self) -> None:
        arguments = ("--insecure", "--host", "127.0.0.1", "--port", str(self._port))
        arguments += ("--database", str(self.folder / "state.db"))
        arguments += ("--disable-runtime-dependency-installation",)
        self.superlink = self._start("flower-superlink", *arguments)
        home = self.folder / "flwr"
        home.mkdir(exist_ok=True)
        connection = {"address": f"127.0.0.1:{self._port}", "insecure": True}
        (home / "config.toml").write_text(
            tomli_w.dumps({"superlink": {"default": "field", "field": connection}})
        )
        self.wait_for(lambda: self.flwr("ls").get("success"), "the SuperLink")

    def start_node(self, partition: int, of: int) -> None:
        (port,) = free_ports(1)
        self.nodes[partition] = self._start(
            "flower-supernode",
            *("--insecure", "--superlink", f"127.0.0.1:{self._port}"),
            *("--host", "127.0.0.1", "--port", str(port)),
            *("--node-config", f"partition-id={partition} num-partitions={of}"),
        )

    def kill_superlink(self) -> None:
        """Kill the SuperLink and its descendants, as a power cut would."""
        _kill(self.superlink)

    def kill_node(self, partition: int) -> None:
        _kill(self.nodes.pop(partition))

    def run(self, run_config: Mapping[str, Any]) -> str:
        """Submit a run and return its id."""
        settings = self.folder / "run-config.toml"
        settings.write_text(tomli_w.dumps(dict(run_config)))
        answer = self.flwr("run", str(self._app), "field", "--run-config", str(settings))
        assert answer.get("success"), answer
        return str(answer["run-id"])

    def flwr(self, *arguments: str) -> dict[str, Any]:
        """Run Flower's CLI and return its JSON output."""
        answer = subprocess.run(
            [str(script("flwr")), *arguments, "--format", "json"],
            cwd=self.folder,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )
        start = answer.stdout.find("{")
        return json.loads(answer.stdout[start:]) if start >= 0 else {"error": answer.stderr}

    def status(self, run_id: str) -> tuple[str, str]:
        """Return a run's status and its details, as reported by Flower."""
        runs = self.flwr("ls").get("runs", [])
        (run,) = [one for one in runs if str(one["run-id"]) == run_id]
        return str(run["status"]), str(run.get("status-details", ""))

    def wait_for(self, there: Callable[[], Any], what: str, seconds: float = START_SECONDS) -> None:
        deadline = time.monotonic() + seconds
        while not there():
            assert time.monotonic() < deadline, f"{what} did not come: {self.log()}"
            time.sleep(0.5)

    def log(self) -> str:
        return "\n".join(path.read_text()[-3000:] for path in self.folder.glob("*.log"))

    def listening(self) -> set[str]:
        """Return the IP addresses on which the deployment's processes listen."""
        found = set()
        for process in self._processes():
            whole = psutil.Process(process.pid)
            for one in [whole, *whole.children(recursive=True)]:
                with contextlib.suppress(psutil.NoSuchProcess, psutil.AccessDenied):
                    sockets = one.net_connections("inet")
                    found |= {s.laddr.ip for s in sockets if s.status == psutil.CONN_LISTEN}
        return found

    def close(self) -> None:
        end(self._processes())

    def _processes(self) -> list[subprocess.Popen[bytes]]:
        return [one for one in self._others if one.poll() is None]

    def _start(self, command: str, *arguments: str) -> subprocess.Popen[bytes]:
        number = len(self._others)
        with (self.folder / f"{number}-{command}.log").open("wb") as output:
            process = subprocess.Popen(
                [str(script(command)), *arguments],
                cwd=self.folder,
                env=self.environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._others.append(process)
        return process


def _kill(process: subprocess.Popen[bytes]) -> None:
    whole = psutil.Process(process.pid)
    for one in [*whole.children(recursive=True), whole]:
        with contextlib.suppress(psutil.NoSuchProcess):
            one.kill()
    process.wait()


@contextlib.contextmanager
def deployment(folder: Path, nodes: int) -> Iterator[Deployment]:
    """Start a SuperLink and ``nodes`` SuperNodes, and always end them afterwards."""
    folder.mkdir(parents=True, exist_ok=True)
    deployed = Deployment(folder)
    try:
        deployed.start_superlink()
        for partition in range(nodes):
            deployed.start_node(partition, nodes)
        yield deployed
    finally:
        deployed.close()
