"""Explains why a user's module cannot be imported if another one has the same name."""

import sys
from importlib.machinery import PathFinder

OURS = ("clients", "fog_flower", "simulations", "strategies")


def explain_clash(module: str) -> str:
    """Return the remedy for a module that cannot be imported, in one clause."""
    return hiding(module) or "run from the folder that holds it, or install it"


def hiding(module: str) -> str:
    """Return what hides the user's module of this name, with a remedy; empty if nothing does."""
    top = module.partition(".")[0]
    if top in OURS:
        return (
            f"fog-flower has a package {top!r} of its own, which comes first: give your folder or "
            "file another name"
        )
    found = _namesakes(top)
    if top in sys.stdlib_module_names and found:
        return f"Python has a module {top!r} of its own: give yours another name"
    if len(found) > 1:
        return f"{found[0]} comes before {found[1]}: give yours another name"
    if found and module != top:
        return f"{top!r} was found at {found[0]}: give your package another name if it is not it"
    return ""


def _namesakes(top: str) -> list[str]:
    """Return the files of all modules of one name, in the order in which Python finds them."""
    specs = (PathFinder.find_spec(top, [entry]) for entry in sys.path)
    return list(dict.fromkeys(spec.origin for spec in specs if spec and spec.origin))
