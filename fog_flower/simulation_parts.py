"""What a run may need that Flower's bundle leaves out: attacks, baselines, skew, pictures.

They are for simulations alone, and the bundle travels to every node. Where a simulation runs,
fog-flower is installed, and its ``simulations`` package is found beside the bundle.
"""

import importlib
import importlib.util
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
    check_part(module, setting)
    return importlib.import_module(f"simulations.{module}")


def check_part(module: str, setting: str) -> None:
    """Raise the error of ``simulation_part`` without importing the module, if it is not there."""
    name = f"simulations.{module}"
    try:
        found = importlib.util.find_spec(name)
    except ModuleNotFoundError as error:
        if error.name != "simulations":
            raise
        found = None
    if found is None:
        raise UserError(
            f"{setting} needs the package {name!r}, which Flower's bundle does not hold: install "
            "fog-flower (pip install) in the environment in which the run's nodes work"
        )
