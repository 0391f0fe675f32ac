"""Whether a run is a simulation on one machine, or a deployment on many.

Only what says so counts as a simulation: whatever is unknown is treated as a deployment, where the
stricter rules hold.
"""

import os
import sys
from logging import WARNING

from flwr.app import Context
from flwr.common import log
from flwr.serverapp import Grid

from fog_flower.config import SEEDED, RunConfig
from fog_flower.errors import UserError

SIMULATION, DEPLOYMENT = "simulation", "deployment"  # in ``run.json``
SIMULATED = "simulated"  # the inline engine's grid has it, and so have its nodes' configurations
_OF_FLOWERS_SIMULATION = "InMemoryGrid"  # a deployment's is HttpGrid


def is_simulation(grid: Grid) -> bool:
    """Tell a ServerApp whether the nodes behind its grid are simulated."""
    classes = {kind.__name__ for kind in type(grid).__mro__}
    return _OF_FLOWERS_SIMULATION in classes or bool(getattr(grid, SIMULATED, False))


def is_simulated_node(context: Context) -> bool:
    """Tell a ClientApp whether it is run by Flower's simulation (in an actor of Ray) or inline."""
    ray = sys.modules.get("ray")  # not imported: an actor has it, a deployed node need not
    in_actor = ray is not None and ray.is_initialized()
    return bool(in_actor or context.node_config.get(SIMULATED, False))


def warn_of_open_ray(grid: Grid) -> None:
    """Warn where Flower has started Ray with Ray's defaults, open to the network.

    ``fog-flower run`` starts it on loopback, with a token.
    """
    if _OF_FLOWERS_SIMULATION not in {kind.__name__ for kind in type(grid).__mro__}:
        return
    if os.environ.get("RAY_AUTH_MODE") != "token":
        log(
            WARNING,
            "Ray listens on the network, and whoever reaches it can run code here: use "
            "`fog-flower run`, or start the SuperLink with RAY_AUTH_MODE=token and "
            "RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER=0 (loopback only) in its environment",
        )


def check_noise_source(config: RunConfig, *, simulated: bool) -> None:
    """Refuse noise that could be taken away again, wherever it is to protect anybody.

    Raises
    ------
    UserError
        If a deployment protects with the run's seed, which server and nodes know.
    """
    if not simulated and config.protection and config.noise_source == SEEDED:
        raise UserError(
            f"noise-source={config.noise_source!r}: on a deployment whoever knows the seed could "
            "remove the noise; use noise-source=entropy"
        )
