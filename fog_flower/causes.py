"""From an exception, or what is left of one, to the one line that helps."""

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
_FLOWERS = re.compile(r"^<class '([\w.]+)'>:<'")  # it writes <class 'ValueError'>:<'message'>
_OURS = re.compile(r"^(?:fog_flower\.errors\.)?UserError: ")
_LIMIT = 500
_ROOT = Path(__file__).resolve().parents[1]
_LIBRARIES = tuple(
    {sysconfig.get_path("purelib"), sysconfig.get_path("platlib"), sysconfig.get_path("stdlib")}
)


def last_cause(reason: str | None) -> str:
    """Return the last line of what Flower says of a failed client: the exception itself.

    With Ray the reason is a whole traceback of several processes, in colours. Of a ``UserError``
    the message says everything.
    """
    lines = [line.strip() for line in _ANSI.sub("", reason or "").splitlines() if line.strip()]
    if not lines:
        return "unknown"
    cause = _FLOWERS.sub(r"\1: ", lines[-1]).removesuffix("'>")
    return _OURS.sub("", cause)[:_LIMIT]


def describe_failure(error: BaseException) -> str:
    """Return type, message and the place where it happened: in the user's code that we called.

    Where we called none, it is the last place outside of libraries.
    """
    if isinstance(error, UserError):
        return str(error)
    theirs, outside = _frames(error)
    return _described(error, theirs or outside)


def describe_users_failure(error: BaseException, clean: Callable[[str], str] = str) -> str:
    """Return the same, but the place only where it is the user's.

    Parameters
    ----------
    error : BaseException
    clean : callable
        Leaves out of a library's message what nobody can read.
    """
    if isinstance(error, UserError):
        return str(error)
    return _described(error, _frames(error)[0], clean)


def _frames(
    error: BaseException,
) -> tuple[list[traceback.FrameSummary], list[traceback.FrameSummary]]:
    """Return the frames in the user's code that we called, and all outside of libraries."""
    frames = traceback.extract_tb(error.__traceback__)
    # Ours may be installed among libraries.
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
    """Tell whether a file is of an installed package or of Python itself."""
    path = Path(filename)
    inside = filename.startswith((*_LIBRARIES, "<")) or "site-packages" in path.parts
    return inside or filename.startswith(sys.base_prefix)


@contextlib.contextmanager
def in_user_code(
    what: str, unless: Callable[[Exception], bool] = lambda _: False
) -> Iterator[None]:
    """Make one line of whatever a user's own code raises: what it is, and its file and line.

    Parameters
    ----------
    what : str
        For the message, best as ``key=value``.
    unless : callable
        Tells of an exception whether it is none of the user's code, and passes as it is.

    Raises
    ------
    UserError
        For every exception, ``sys.exit`` included. A ``UserError`` passes as it is.
    """
    try:
        yield
    except UserError:
        raise
    except (Exception, SystemExit) as error:
        if isinstance(error, Exception) and unless(error):
            raise
        raise UserError(f"{what}: {_described(error, _frames(error)[0])}") from error
