"""Flower's simulation process, loaded in advance of the run."""

import os
import sys
import time
from pathlib import Path

from fog_flower.loading import without_collecting
from fog_flower.variables import LAUNCHER_VARIABLE
from simulations.engines.orphan_watch import end_with

POLL_SECONDS = 0.02


def main(arguments: Path) -> None:
    """Run ``flwr-simulation`` as soon as a file contains its arguments, one per line.

    Flower loads TensorFlow before it starts Ray, for a function that no run calls. Hiding it here
    starts Ray's actors seconds earlier, and they load TensorFlow while the server does.
    """
    end_with(os.environ[LAUNCHER_VARIABLE])
    sys.modules["tensorflow"] = None  # type: ignore[assignment]  # imports fail for now
    with without_collecting():
        from flwr.server.superlink.fleet.vce.backend import raybackend  # noqa: F401, PLC0415
        from flwr.simulation.app import flwr_simulation  # noqa: PLC0415

    del sys.modules["tensorflow"]
    while not arguments.exists():
        time.sleep(POLL_SECONDS)
    sys.argv = ["flwr-simulation", *arguments.read_text().splitlines()]
    flwr_simulation()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
