"""What only some uses need, and so is an extra: a missing package is one line that names it."""

import contextlib
import importlib.util
import os
import traceback
from collections.abc import Iterator
from pathlib import Path

from fog_flower.causes import in_library
from fog_flower.errors import UserError
from fog_flower.name_clashes import OURS

_FOLDER = Path(__file__).resolve().parent.parent
SIMULATION, TRACKING = "simulation", "tracking"


@contextlib.contextmanager
def needed_for(what: str, extra: str = SIMULATION) -> Iterator[None]:
    """Say of a package that cannot be found inside the block what it is needed for.

    Parameters
    ----------
    what : str
        For the message: what asked for it, best as ``key=value``.
    extra : str
        Which brings it.

    Raises
    ------
    UserError
        If a package is missing that our code, or a library, imports.
    """
    try:
        yield
    except ModuleNotFoundError as error:
        top = (error.name or "").partition(".")[0]
        if not top or top in OURS or _asked_by_user_code(error):
            raise
        raise missing(what, top, extra) from error


def _asked_by_user_code(error: ModuleNotFoundError) -> bool:
    frames = traceback.extract_tb(error.__traceback__)
    files = [frame.filename for frame in frames if not frame.filename.startswith("<")]
    ours = [str(_FOLDER / package) + os.sep for package in OURS]
    return bool(files) and not in_library(files[-1]) and not files[-1].startswith(tuple(ours))


def require(what: str, *packages: str, extra: str = SIMULATION) -> None:
    """Check that packages are there, without importing them.

    Raises
    ------
    UserError
        If one is not.
    """
    for package in packages:
        with needed_for(what, extra):
            if importlib.util.find_spec(package) is None:
                raise missing(what, package, extra)


def missing(what: str, package: str, extra: str = SIMULATION) -> UserError:
    """Return the error for a package that is not installed."""
    return UserError(
        f"{what}: needs {package}, which is not installed here: pip install 'fog-flower[{extra}]'"
    )
