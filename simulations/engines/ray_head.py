"""A private Ray instance, which starts while Flower is loading."""

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

# Ray's default parent folder: the path of a socket may have at most 107 characters.
TEMPORARY = "RAY_TMPDIR"
SHORT = Path(os.environ.get(TEMPORARY, "/tmp"))  # noqa: S108  (a fresh folder is made in it)
LEAST_ROOM = 2**20  # bytes


class RayHead:
    """Ray's processes, which only listen on loopback and require the run's token."""

    def __init__(
        self, folder: Path, port: int, placed: Placement, environment: Mapping[str, str]
    ) -> None:
        options = {
            "node-ip-address": LOCAL,
            "port": port,
            # Any free ports. By default all instances on a machine use ports from 10002 on.
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
            # Ray may hang in its handler of SIGTERM; its children die with it in any case.
            dies_by=signal.SIGKILL,
        )

    def failure(self) -> str:
        """Return how Ray ended; empty while it is running."""
        status = self._process.poll()
        if status is None:
            return ""
        ended = f"Ray ended ({how_it_ended(status)})"
        if shutil.disk_usage(self._folder).free < LEAST_ROOM:  # Ray does not report this
            return f"{ended}: {self._folder} is full: make room there, or set {TEMPORARY}"
        return f"{ended}: {last_lines(self._log)}"

    def stop(self) -> None:
        """Kill Ray, because a regular stop takes 5 seconds and nothing needs to be saved."""
        # If Ray has ended by itself, its children are no longer its descendants.
        gone = self._process.poll() is not None
        others = working_in(self._folder) if gone else ()
        end([self._process], by=signal.SIGKILL, others=others)


@contextlib.contextmanager
def own_ray(port: int, placed: Placement, environment: Mapping[str, str]) -> Iterator[RayHead]:
    """Start Ray with the resources of a run; afterwards, end its processes and remove its folder.

    By default Flower starts Ray only after loading TensorFlow, with services that a run on one
    machine does not need, and leaves Ray's logs behind. Other calls of ``ray.init()`` do not find
    this instance, because its folder is not Ray's default.
    """
    with own_workspace(SHORT, TEMPORARY) as folder:
        ray = RayHead(folder, port, placed, environment)
        try:
            yield ray
        finally:
            ray.stop()
