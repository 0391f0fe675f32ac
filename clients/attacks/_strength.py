"""The default strength of an attack."""

import inspect
import sys

from clients.attacks import ATTACKS


def usual_strength(attack: str, fog_nodes: int, malicious: int) -> float:
    """Return the default of the attack's ``strength``; NaN if it has no such argument or default.

    A default that depends on the federation is None. Then the attack's file has a function
    ``usual_strength(fog_nodes, malicious)``, which returns it.
    """
    function = ATTACKS.load(attack).item
    parameter = inspect.signature(function).parameters.get("strength")
    if parameter is None or parameter.default is parameter.empty:
        return float("nan")
    if parameter.default is not None:
        return float(parameter.default)
    return float(sys.modules[function.__module__].usual_strength(fog_nodes, malicious))
