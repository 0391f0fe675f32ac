"""``module:name`` references, Flower's own grammar for naming an object in a configuration."""

import importlib
from typing import Any

from fog_flower.errors import UserError


def load_reference(reference: str, key: str) -> Any:
    """Import the object that ``module:name`` names.

    Parameters
    ----------
    reference : str
        ``package.module:attribute``.
    key : str
        The configuration key it came from, for the error message.

    Raises
    ------
    UserError
        If the grammar, the module or the attribute is wrong. An error *inside* the module is not
        swallowed: its message is part of ours.
    """
    module_name, separator, attribute = reference.partition(":")
    if not (separator and module_name and attribute):
        raise UserError(f"{key}={reference!r}: write it as module:name, e.g. my_package.mine:Mine")
    try:
        module = importlib.import_module(module_name)
    except Exception as error:
        raise UserError(
            f"{key}={reference!r}: module {module_name!r} cannot be imported "
            f"({type(error).__name__}: {error}); run from the folder that holds it or install it"
        ) from error
    try:
        return getattr(module, attribute)
    except AttributeError as error:
        public = ", ".join(name for name in dir(module) if not name.startswith("_")) or "nothing"
        raise UserError(
            f"{key}={reference!r}: {module_name!r} has no {attribute!r}; it has {public[:300]}"
        ) from error
