"""Refuses names that are unknown, and suggests a correction for a mistyped one."""

import difflib
from collections.abc import Collection, Iterable

from fog_flower.errors import UserError


def check_known(what: str, name: str, names: Collection[str]) -> None:
    """Check that ``name`` is one of ``names``.

    Parameters
    ----------
    what : str
        The option or key and its value, with which the message begins.

    Raises
    ------
    UserError
        With all names, and the closest one if one is close.
    """
    if name not in names:
        raise UserError(f"{what}: choose from {', '.join(names)}{did_you_mean(name, names)}")


def did_you_mean(text: str, names: Iterable[str]) -> str:
    """Return ``"; did you mean NAME?"`` with the name closest to ``text``; empty if none is close.

    Case, and text after a colon or in parentheses, are ignored.
    """
    called = text.partition("(")[0].partition(":")[0].strip().lower()
    known = {name.lower(): name for name in names}
    near = difflib.get_close_matches(called, known, n=1)
    return f"; did you mean {known[near[0]]}?" if near else ""


def unknown_argument(name: str, known: Iterable[str]) -> str:
    """Return that there is no such argument, and which ones there are, in one clause."""
    names = list(known)
    told = ", ".join(names) or "none"
    return f"there is no argument {name!r}; there are: {told}{did_you_mean(name, names)}"
