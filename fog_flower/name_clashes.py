"""Says why a user's module cannot be imported, where another of the same name is in the way."""

import importlib.util

OURS = ("clients", "fog_flower", "simulations", "strategies")


def explain_clash(module: str) -> str:
    """Return the remedy for a module that cannot be imported, in one clause."""
    top = module.partition(".")[0]
    if top in OURS:
        return (
            f"fog-flower has a package {top!r} of its own, which comes first: give your folder "
            "another name"
        )
    try:
        spec = importlib.util.find_spec(top)
    except (ImportError, ValueError):
        spec = None
    if spec is not None and spec.origin and module != top:
        return f"{top!r} was found at {spec.origin}: give your package another name if it is not it"
    return "run from the folder that holds it, or install it"
