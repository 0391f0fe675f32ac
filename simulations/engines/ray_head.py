"""A private Ray instance, which starts while Flower still loads."""

import contextlib
import math
import os
import shutil
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

from simulations.engines.placement import Placement
from simulations.engines.processes import (
    LOCAL,
    end,
    how_it_ended,
    last_lines,
    script,
    start,
    working_in,
)
from simulations.engines.workspace import own_workspace

# Ray's own default, because a path to a socket has at most 107 characters.
TEMPORARY = "RAY_TMPDIR"
SHORT = Path(os.environ.get(TEMPORARY, "/tmp"))  # noqa: S108  (a fresh folder is made in it)
LEAST_ROOM = 2**20  # bytes


class RayHead:
    """Ray's processes, listening on loopback only; who uses them needs the run's token."""

    def __init__(
        self, folder: Path, port: int, placed: Placement, environment: Mapping[str, str]
    ) -> None:
        options = {
            "node-ip-address": LOCAL,
            "port": port,
            # Any free ones. By default all instances on a machine take them from 10002 on.
            "min-worker-port": 0,
            "max-worker-port": 0,
            "num-cpus": placed.actors * placed.threads,
            "num-gpus": math.ceil(placed.actors * placed.gpu_share),
            "temp-dir": folder,
            "include-dashboard": "false",
            "include-log-monitor": "false",
            "log-color": "false",
        }
        self._folder, self._log = folder, folder / "ray.out"
        self._process = start(
            [
                *(str(script("ray")), "start", "--head", "--block"),
                *("--disable-usage-stats", "--no-monitor"),
                *(f"--{name}={value}" for name, value in options.items()),
            ],
            folder,
            environment,
            self._log,
            # Ray may hang in its own handler of SIGTERM; what it started dies with it, however it
            # dies.
            dies_by=signal.SIGKILL,
        )

    def failure(self) -> str:
        """Return how Ray ended; empty while it is there."""
        status = self._process.poll()
        if status is None:
            return ""
        ended = f"Ray ended ({how_it_ended(status)})"
        if shutil.disk_usage(self._folder).free < LEAST_ROOM:  # Ray does not say so
            return f"{ended}: {self._folder} is full: make room there, or set {TEMPORARY}"
        return f"{ended}: {last_lines(self._log)}"

    def stop(self) -> None:
        """Kill it: nothing in it is worth waiting for, and its own way takes 5 seconds."""
        # If it has ended by itself, what it started is not below it any more.
        gone = self._process.poll() is not None
        others = working_in(self._folder) if gone else ()
        end([self._process], by=signal.SIGKILL, others=others)


@contextlib.contextmanager
def own_ray(port: int, placed: Placement, environment: Mapping[str, str]) -> Iterator[RayHead]:
    """Start Ray with what a run uses; its processes and its folder are gone afterwards.

    Left to itself Flower starts Ray only after it has loaded TensorFlow, one after the other, with
    services that a run on one machine has no use for, and leaves its logs. Nobody else's
    ``ray.init()`` finds this one, because its folder is not Ray's usual one.
    """
    with own_workspace(SHORT, TEMPORARY) as folder:
        ray = RayHead(folder, port, placed, environment)
        try:
            yield ray
        finally:
            ray.stop()
