"""Whether a run is a simulation on one machine, or a deployment on many.

Only what says so counts as a simulation: whatever is unknown is treated as a deployment, where the
stricter rules hold.
"""

import sys

from flwr.app import Context
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
            "take the noise away again; use noise-source=entropy"
        )
