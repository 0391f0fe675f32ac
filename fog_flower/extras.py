"""Optional packages (extras); if one is missing, an error of one line names it."""

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
    """Turn a failed import inside the block into an error that says what needs the package.

    Parameters
    ----------
    what : str
        What needs the package, for the message; preferably ``key=value``.
    extra : str
        The extra that installs the package.

    Raises
    ------
    UserError
        If a package that fog-flower or a library imports is missing. Failed imports of a user's
        own code are raised unchanged.
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
    """Check that packages are installed, without importing them.

    Raises
    ------
    UserError
        If one is missing.
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
