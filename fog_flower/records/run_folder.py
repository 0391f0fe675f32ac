"""Names, checks and creates the folder of a run."""

import errno
import os
import time
from pathlib import Path

from fog_flower.architecture import CENTRALIZED
from fog_flower.artifacts import CURVES
from fog_flower.config import RunConfig
from fog_flower.errors import UserError
from fog_flower.extras import require

SHORT_NAME = 200  # bytes that every file system allows
DRAWING = ("matplotlib", "pandas", "seaborn")  # what `curves` needs


def default_run_name(config: RunConfig) -> str:
    """Name a run after what it does and when, e.g. ``mlp-3-fog-seed0-20261123-101500``."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    model = config.model.replace(":", ".")
    tier = CENTRALIZED if config.architecture == CENTRALIZED else f"{config.fog_nodes}-fog"
    return f"{model}-{tier}-seed{config.seed}-{stamp}"


def default_parent() -> Path:
    """Return the parent of run folders with plain ``flwr run``, whose own folder is temporary."""
    return Path.home() / "fog-flower-results"


def folder_of(config: RunConfig) -> Path:
    """Return the path of the run's folder, which need not exist yet."""
    parent = config.results_dir or default_parent()
    return parent / (config.run_name or default_run_name(config))


def run_folder(config: RunConfig) -> Path:
    """Return the path of a new run's folder, after checking that it can be created.

    Raises
    ------
    UserError
        If the folder exists, its parent cannot be written to, or the packages for its plots are not
        installed.
    """
    if CURVES in config.artifacts:
        artifacts = config.to_run_config()["artifacts"]
        require(f"artifacts={artifacts!r}", *DRAWING)
    folder = folder_of(config)
    try:
        taken = folder.exists()
        _try_to_write(folder)
    except OSError as error:
        raise _refused(folder, error) from error
    if taken:
        raise UserError(
            f"run-name={folder.name!r}: {folder} exists, and results are never overwritten; "
            "choose another run-name or move it away"
        )
    return folder


def _try_to_write(folder: Path) -> None:
    """Create and remove a file beside the folder, with a name as long as any of the run's."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    beside = folder.with_name(f".{folder.name}.{os.getpid():07}")
    try:
        beside.touch()
    finally:
        beside.unlink(missing_ok=True)


def _refused(folder: Path, error: OSError) -> UserError:
    if error.errno == errno.ENAMETOOLONG and len(os.fsencode(folder.name)) > SHORT_NAME:
        return UserError(
            f"run-name={folder.name[:40] + '...'!r}: {len(folder.name)} characters are too many "
            "for a folder's name; use a shorter one"
        )
    return UserError(
        f"results-dir={str(folder.parent)!r}: cannot write there ({error.strerror}); use another"
    )


def create_run_folder(folder: Path) -> None:
    """Create the run's folder, and raise a ``UserError`` if it exists or that fails."""
    try:
        folder.mkdir(parents=True, exist_ok=False)
    except FileExistsError as error:
        raise UserError(
            f"{folder} was created by another run meanwhile; choose another run-name"
        ) from error
    except OSError as error:
        raise UserError(f"results-dir: {folder} cannot be created ({error.strerror})") from error
