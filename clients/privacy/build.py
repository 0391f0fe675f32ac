"""Builds the protections that a configuration names, with their arguments."""

import functools
import inspect
from collections.abc import Sequence
from typing import Any

from fog_flower.causes import in_user_code
from fog_flower.errors import UserError
from fog_flower.named import Catalogue, Named, refuse_together, refuse_unknown


def built(catalogue: Catalogue, texts: Sequence[str]) -> list[tuple[str, Any]]:
    """Build each mechanism that a configuration names, and return it with its text.

    Raises
    ------
    UserError
        If a mechanism is unknown, does not take the arguments, or is named twice (one of ours).
    """
    named = [(text, catalogue.load(text)) for text in texts]
    found = [(text, _one(f"{catalogue.key}={text!r}", one)) for text, one in named]
    names = [text.partition("(")[0] for text, one in named if not one.own]
    if twice := [name for name in names if names.count(name) > 1]:
        raise UserError(
            f"{catalogue.key}={','.join(texts)!r}: names {twice[0]} twice, which protects no "
            "better; name it once, with the arguments that you want"
        )
    return found


def _one(what: str, named: Named) -> Any:
    item, given = named.item, named.arguments
    if not callable(item):
        raise UserError(f"{what}: is a {type(item).__name__}; name a function or a class")
    _check_arguments(what, item, given)
    if not inspect.isclass(item):
        return functools.partial(item, **given) if given else item
    if not named.own:
        return item(**given)
    with in_user_code(what):
        return item(**given)


def _check_arguments(what: str, item: Any, given: Any) -> None:
    """Raise if an argument is unknown, or a required argument of a class is missing."""
    signature = inspect.signature(item)
    known = signature.parameters
    if any(one.kind is one.VAR_KEYWORD for one in known.values()):
        return
    is_class = inspect.isclass(item)
    refuse_unknown(what, signature, given, skipped=0 if is_class else 2)  # share and context
    refuse_together(what, item, given)
    needed = [n for n in known if known[n].default is inspect.Parameter.empty and n not in given]
    if is_class and needed:
        raise UserError(f"{what}: say {needed[0]}=..., e.g. in parentheses behind its name")
