"""Calls a constructor with the user's arguments, and with those of ours that it accepts."""

import functools
import inspect
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any


def construct(build: Callable[..., Any], ours: Mapping[str, Any], given: Mapping[str, Any]) -> Any:
    """Return ``build(**given)``, with those arguments of ``ours`` that it accepts by name.

    A class with ``**kwargs`` is assumed to pass them to its base classes, so their arguments are
    offered too. If the call then fails with an error that names an offered argument, because the
    class refuses it or passes it itself, the call is repeated without it.

    Parameters
    ----------
    build : callable
        A class, a function, or a ``functools.partial`` of one.
    ours : mapping
        Arguments to offer. They never replace what the user gives or a partial fixes.
    given : mapping
        The user's arguments.
    """
    function, fixed = _unwrapped(build)
    taken = set(_taken_by(function)) - fixed
    offered = {name: value for name, value in ours.items() if name in taken and name not in given}
    while True:
        try:
            return _call(build, {**offered, **given})
        except (TypeError, ValueError) as error:
            refused = [name for name in offered if re.search(rf"\b{name}\b", str(error))]
            if not refused:
                raise
            for name in refused:
                del offered[name]


def arguments_of(build: Callable[..., Any]) -> list[str]:
    """Return the names of the arguments that ``construct`` can pass on, without duplicates."""
    function, fixed = _unwrapped(build)
    return [name for name in dict.fromkeys(_taken_by(function)) if name not in fixed]


def _unwrapped(build: Callable[..., Any]) -> tuple[Callable[..., Any], set[str]]:
    """Return the callable inside a partial, and the names of the arguments that it fixes."""
    fixed: set[str] = set()
    while isinstance(build, functools.partial):
        fixed |= set(build.keywords)
        fixed |= set(list(_own_parameters(build.func))[: len(build.args)])
        build = build.func
    return build, fixed


def _taken_by(function: Callable[..., Any]) -> Iterator[str]:
    """Yield the parameter names of a function, or of a constructor and those it passes on to."""
    for one in inspect.getmro(function) if inspect.isclass(function) else (function,):
        if inspect.isclass(one) and "__init__" not in vars(one):
            continue
        kinds = {name: parameter.kind for name, parameter in _own_parameters(one).items()}
        various = (inspect.Parameter.VAR_KEYWORD, inspect.Parameter.VAR_POSITIONAL)
        yield from (name for name, kind in kinds.items() if kind not in various)
        if inspect.Parameter.VAR_KEYWORD not in kinds.values():
            return


def _own_parameters(function: Callable[..., Any]) -> dict[str, inspect.Parameter]:
    """Return the parameters by name; for a class, those of its own ``__init__`` without ``self``.

    A metaclass may give the class another signature, but passes on to ``__init__`` in the end.
    """
    target = vars(function).get("__init__", function) if inspect.isclass(function) else function
    try:
        parameters = dict(inspect.signature(target).parameters)
    except (TypeError, ValueError):  # a builtin; its result is checked anyway
        return {}
    if target is not function:
        first = next(iter(parameters.values()), None)
        if first is not None and first.kind in (first.POSITIONAL_ONLY, first.POSITIONAL_OR_KEYWORD):
            del parameters[first.name]
    return parameters


def _call(build: Callable[..., Any], arguments: dict[str, Any]) -> Any:
    """Call with keyword arguments, and with positional ones for positional-only parameters."""
    places = []
    for name, parameter in _own_parameters(build).items():
        if parameter.kind is not parameter.POSITIONAL_ONLY or name not in arguments:
            break
        places.append(arguments.pop(name))
    return build(*places, **arguments)
