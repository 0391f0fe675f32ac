"""Explains options that do not exist, but look like keys of the configuration."""

import sys
from typing import Any

from fog_flower.config import RunConfig
from fog_flower.renamed import RENAMED
from fog_flower.suggestion import did_you_mean

SETTINGS = "settings"  # the argument of commands that take KEY=VALUE


def key_for_option(error: Any) -> str:
    """Return the message for an unknown option that looks like a key; else an empty text.

    Parameters
    ----------
    error : click.NoSuchOption
        Of any command; only those that take KEY=VALUE have keys.
    """
    option, context = str(getattr(error, "option_name", "")), getattr(error, "ctx", None)
    parameters = context.command.params if context else []
    key = _key(option.lstrip("-").replace("_", "-"))
    if not key or SETTINGS not in [parameter.name for parameter in parameters]:
        return ""
    return f"No such option {option!r}: settings have no dashes: {key}={_value(option) or 'VALUE'}"


def _key(name: str) -> str:
    """Return the key that is meant: by its name, its end, e.g. ``rounds``, or one that is near."""
    keys = RunConfig.keys()
    if name in keys:
        return name
    if name in RENAMED:
        return RENAMED[name]
    ends = [key for key in keys if name and key.endswith(f"-{name}")]
    if len(ends) == 1:
        return ends[0]
    near = did_you_mean(name, keys)
    return near.removeprefix("; did you mean ").removesuffix("?")


def _value(option: str) -> str:
    """Return the value that was typed with the option, after ``=`` or a space."""
    arguments = sys.argv[1:]
    for number, argument in enumerate(arguments):
        name, equals, value = argument.partition("=")
        if name == option and equals:
            return value
        if name == option:
            following = next(iter(arguments[number + 1 :]), "-")
            return "" if following.startswith("-") or "=" in following else following
    return ""
