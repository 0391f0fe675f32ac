"""What a run may need that Flower's bundle leaves out: attacks, baselines, event files.

They are for simulations alone, and the bundle travels to every node. Where a simulation runs,
fog-flower is installed, and its ``simulations`` package is found beside the bundle.
"""

import importlib
from typing import Any

from fog_flower.errors import UserError


def simulation_part(module: str, setting: str) -> Any:
    """Import a module of ``simulations``.

    Parameters
    ----------
    module : str
        Below ``simulations``, e.g. ``attacks``.
    setting : str
        What asks for it, for the error message.

    Raises
    ------
    UserError
        If fog-flower is not installed here.
    """
    name = f"simulations.{module}"
    try:
        return importlib.import_module(name)
    except ModuleNotFoundError as error:
        if error.name not in ("simulations", name):
            raise
        raise UserError(
            f"{setting} needs the package {name!r}, which Flower's bundle does not hold: install "
            "fog-flower (pip install) in the environment in which the run's nodes work"
        ) from error
