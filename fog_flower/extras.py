"""Optional packages (extras); if one is missing, an error of one line names it."""

import contextlib
import importlib.metadata
import importlib.util
import os
import traceback
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement

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


def require_version(what: str, requirement: str) -> None:
    """Check that a package is installed in a version that is new enough, without importing it.

    Parameters
    ----------
    what : str
        What needs the package, for the message; preferably ``key=value``.
    requirement : str
        Of pip, with a lower bound, e.g. ``dp-accounting>=0.6,<0.7``. The module has the package's
        name, with underscores.

    Raises
    ------
    UserError
        If it is missing, or its version is another one. A module without a version, which pip did
        not install, passes.
    """
    needed = Requirement(requirement)
    package = needed.name
    remedy = f"pip install '{requirement}'"
    if not _is_there(package.replace("-", "_")):
        raise UserError(f"{what}: needs {package}, which is not installed here: {remedy}")
    try:
        version = importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return
    if not needed.specifier.contains(version, prereleases=True):
        raise UserError(f"{what}: needs {requirement}, but {version} is installed here: {remedy}")


def _is_there(module: str) -> bool:
    try:
        return importlib.util.find_spec(module) is not None
    except (ModuleNotFoundError, ValueError):  # ValueError: in sys.modules without a spec
        return False
