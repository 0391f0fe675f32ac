"""Flower's simulation process, as the SuperLink of a run starts it."""

import os
import sys

from fog_flower.variables import LAUNCHER_VARIABLE
from simulations.engines.orphan_watch import end_with


def main() -> None:
    """Do what ``flwr-simulation`` does, and end with the launcher.

    Flower loads TensorFlow before it starts Ray, for a function that no run calls. Without it here
    Ray's actors start 5 s earlier, and load TensorFlow while the server does.
    """
    end_with(os.environ[LAUNCHER_VARIABLE])
    sys.argv[0] = "flwr-simulation"
    sys.modules["tensorflow"] = None  # type: ignore[assignment]  # "not installed", for a moment
    from flwr.server.superlink.fleet.vce.backend import raybackend  # noqa: F401, PLC0415
    from flwr.simulation.app import flwr_simulation  # noqa: PLC0415

    del sys.modules["tensorflow"]
    flwr_simulation()


if __name__ == "__main__":
    main()
