"""Whether a run is a simulation on one machine, or a deployment on many.

A run counts as a simulation only if it is known to be one. Otherwise it is treated as a deployment,
for which the rules are stricter.
"""

import os
import sys
from logging import WARNING

from flwr.app import Context
from flwr.common import log
from flwr.serverapp import Grid

from fog_flower.config import SEEDED, RunConfig
from fog_flower.errors import UserError
from fog_flower.privacy.disclosure import LAPLACE

SIMULATION, DEPLOYMENT = "simulation", "deployment"  # in ``run.json``
SIMULATED = "simulated"  # set on the inline engine's grid and in its nodes' configurations
_OF_FLOWERS_SIMULATION = "InMemoryGrid"  # a deployment's is HttpGrid


def is_simulation(grid: Grid) -> bool:
    """Return whether the nodes behind a ServerApp's grid are simulated."""
    classes = {kind.__name__ for kind in type(grid).__mro__}
    return _OF_FLOWERS_SIMULATION in classes or bool(getattr(grid, SIMULATED, False))


def is_simulated_node(context: Context) -> bool:
    """Return whether a ClientApp runs in Flower's simulation (in a Ray actor) or inline."""
    ray = sys.modules.get("ray")  # not imported: a deployed node may lack it
    in_actor = ray is not None and ray.is_initialized()
    return bool(in_actor or context.node_config.get(SIMULATED, False))


def warn_of_open_ray(grid: Grid) -> None:
    """Log a warning if Flower has started Ray with Ray's defaults, open to the network.

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


def check_noise_source(config: RunConfig, *, simulated: bool, strategy_draws: bool = False) -> None:
    """Check that the noise of a deployment cannot be removed by whoever knows the seed.

    Raises
    ------
    UserError
        If a deployment draws noise from the run's seed, which the server and all nodes know.
    """
    draws = {
        "protection": bool(config.protection),
        "fog-protection": bool(config.fog_protection),
        "training-metrics": config.training_metrics.how == LAPLACE,
        "example-counts": config.example_counts.how == LAPLACE,
        "strategy": strategy_draws,
    }
    if not simulated and config.noise_source == SEEDED and any(draws.values()):
        who = ", ".join(key for key, does in draws.items() if does)
        raise UserError(
            f"noise-source={config.noise_source!r}: on a deployment whoever knows the seed could "
            f"remove the noise of {who}; use noise-source=entropy"
        )
