"""Turns exceptions, and texts of exceptions, into messages of one line."""

import contextlib
import re
import sys
import sysconfig
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path

from fog_flower.errors import UserError
from fog_flower.name_clashes import OURS

_ANSI = re.compile(r"\x1b\[[0-9;]*m")
_FLOWERS = re.compile(r"^<class '([\w.]+)'>:<'")  # Flower writes <class 'ValueError'>:<'message'>
_OURS = re.compile(r"^(?:fog_flower\.errors\.)?UserError: ")
_LIMIT = 500
_ROOT = Path(__file__).resolve().parents[1]
_LIBRARIES = tuple(
    {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), sysconfig.get_path("stdlib")}
)


def last_cause(reason: str | None) -> str:
    """Return the last line of the reason that Flower gives for a failed client: the exception.

    With Ray, the reason is a coloured traceback of several processes. For a ``UserError``, only the
    message is returned.
    """
    lines = [line.strip() for line in _ANSI.sub("", reason or "").splitlines() if line.strip()]
    if not lines:
        return "unknown"
    cause = _FLOWERS.sub(r"\1: ", lines[-1]).removesuffix("'>")
    return _OURS.sub("", cause)[:_LIMIT]


def describe_failure(error: BaseException) -> str:
    """Return an exception's type and message, and where it happened in the user's code.

    If no user code was called, the place is the last one outside of libraries. For a ``UserError``,
    only the message is returned.
    """
    if isinstance(error, UserError):
        return str(error)
    theirs, outside = _frames(error)
    return _described(error, theirs or outside)


def describe_users_failure(error: BaseException, clean: Callable[[str], str] = str) -> str:
    """Return an exception's type and message, and its place only if it is in the user's code.

    Parameters
    ----------
    error : BaseException
    clean : callable
        Removes unreadable parts from a library's message.
    """
    if isinstance(error, UserError):
        return str(error)
    return _described(error, _frames(error)[0], clean)


def _frames(
    error: BaseException,
) -> tuple[list[traceback.FrameSummary], list[traceback.FrameSummary]]:
    """Return the frames in user code called by fog-flower, and all frames outside of libraries."""
    frames = traceback.extract_tb(error.__traceback__)
    # fog-flower itself may be installed among the libraries.
    outside = [f for f in frames if _ours(f.filename) or not in_library(f.filename)]
    first = next((n for n, frame in enumerate(outside) if _ours(frame.filename)), len(outside))
    return [frame for frame in outside[first:] if not _ours(frame.filename)], outside


def _described(
    error: BaseException,
    frames: list[traceback.FrameSummary],
    clean: Callable[[str], str] = str,
) -> str:
    place = f" (in {frames[-1].name}, {frames[-1].filename}:{frames[-1].lineno})" if frames else ""
    message = " ".join(clean(_ANSI.sub("", str(error))).split())[:_LIMIT]
    return f"{type(error).__name__}: {message}{place}"


def _ours(filename: str) -> bool:
    path = Path(filename)
    return _ROOT in path.parents and path.relative_to(_ROOT).parts[0] in OURS


def in_library(filename: str) -> bool:
    """Return whether a file belongs to an installed package or to Python itself."""
    path = Path(filename)
    inside = filename.startswith((*_LIBRARIES, "<")) or "site-packages" in path.parts
    return inside or filename.startswith(sys.base_prefix)


@contextlib.contextmanager
def in_user_code(
    what: str, unless: Callable[[Exception], bool] = lambda _: False
) -> Iterator[None]:
    """Turn any exception of a user's own code into a one-line error with its file and line.

    Parameters
    ----------
    what : str
        Begins the message, preferably as ``key=value``.
    unless : callable
        Returns whether an exception is not the user's fault, and is raised unchanged.

    Raises
    ------
    UserError
        For every exception, including ``SystemExit``. A ``UserError`` is raised unchanged.
    """
    try:
        yield
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        if isinstance(error, Exception) and unless(error):
            raise
        raise UserError(f"{what}: {_described(error, _frames(error)[0])}") from error
