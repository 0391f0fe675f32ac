"""A Ray of one's own, which comes up while Flower still loads."""

import contextlib
import math
import os
import signal
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from simulations.engines.processes import die_with_parent, end, free_ports, script
from simulations.placement import Placement
from simulations.workspace import own_workspace

LOCAL = "127.0.0.1"
# Ray's own default, because a path to a socket has at most 107 characters.
SHORT = Path(os.environ.get("RAY_TMPDIR", "/tmp"))  # noqa: S108  (a fresh folder is made in it)


def _die_with_parent() -> None:
    # Ray may hang in its own handler of SIGTERM; what it started dies with it, however it dies.
    die_with_parent(signal.SIGKILL)


@contextlib.contextmanager
def own_ray(placed: Placement, environment: Mapping[str, str]) -> Iterator[str]:
    """Start Ray with what a run uses, and give its address: to be ``RAY_ADDRESS``.

    Left to itself Flower starts Ray only after it has loaded TensorFlow, one after the other, with
    services that a run on one machine has no use for, and leaves its logs. Nobody else's
    ``ray.init()`` finds this one, because its folder is not Ray's usual one.
    """
    (port,) = free_ports(1)
    with own_workspace(SHORT) as folder:
        options = {
            "node-ip-address": LOCAL,
            "port": port,
            "num-cpus": placed.actors * placed.threads,
            "num-gpus": math.ceil(placed.actors * placed.gpu_share),
            "temp-dir": folder,
            "include-dashboard": "false",
            "include-log-monitor": "false",
            "log-color": "false",
        }
        with (folder / "ray.out").open("wb") as output:
            process = subprocess.Popen(
                [
                    *(str(script("ray")), "start", "--head", "--block"),
                    *("--disable-usage-stats", "--no-monitor"),
                    *(f"--{name}={value}" for name, value in options.items()),
                ],
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # a Ctrl-C is ours to handle
                preexec_fn=_die_with_parent,  # noqa: PLW1509  (no threads here yet)
            )
        try:
            yield f"{LOCAL}:{port}"
        finally:
            end(process)
