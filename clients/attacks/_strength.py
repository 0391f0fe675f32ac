"""The strength that an attack has where nobody says one."""

import inspect
import sys

from clients.attacks import ATTACKS


def usual_strength(attack: str, fog_nodes: int, malicious: int) -> float:
    """Return the default of the attack's ``strength``; NaN where it takes none.

    Where the default depends on the federation it is None, and the attack's file says it in a
    function ``usual_strength(fog_nodes, malicious)``.
    """
    function = ATTACKS.load(attack).item
    parameter = inspect.signature(function).parameters.get("strength")
    if parameter is None or parameter.default is parameter.empty:
        return float("nan")
    if parameter.default is not None:
        return float(parameter.default)
    return float(sys.modules[function.__module__].usual_strength(fog_nodes, malicious))
