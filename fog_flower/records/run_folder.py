"""The folder of a run: named, checked early, created once."""

import errno
import os
import time
from pathlib import Path

from fog_flower.architecture import CENTRALIZED
from fog_flower.artifacts import CURVES
from fog_flower.config import RunConfig
from fog_flower.errors import UserError
from fog_flower.extras import require

SHORT_NAME = 200  # bytes: every file system takes as many
DRAWING = ("matplotlib", "pandas", "seaborn")  # what `curves` needs


def default_run_name(config: RunConfig) -> str:
    """Name a run after what it does and when, e.g. ``mlp-3-fog-seed0-20261123-101500``."""
    stamp = time.strftime("%Y%m%d-%H%M%S")
    model = config.model.replace(":", ".")
    tier = CENTRALIZED if config.architecture == CENTRALIZED else f"{config.fog_nodes}-fog"
    return f"{model}-{tier}-seed{config.seed}-{stamp}"


def default_parent() -> Path:
    """Return where plain ``flwr run`` puts run folders: its own folder is a temporary one."""
    return Path.home() / "fog-flower-results"


def folder_of(config: RunConfig) -> Path:
    """Return where the run's records are, or will be."""
    parent = config.results_dir or default_parent()
    return parent / (config.run_name or default_run_name(config))


def run_folder(config: RunConfig) -> Path:
    """Return where the run's records will be, after checking that they can be.

    Raises
    ------
    UserError
        If the folder exists, its parent cannot be written to, or what draws its pictures is not
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
    """Write a file beside the folder, with a name as long as any that belongs to the run."""
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
    """Create the run's folder; another run that was faster is an error."""
    try:
        folder.mkdir(parents=True, exist_ok=False)
    except FileExistsError as error:
        raise UserError(
            f"{folder} was created by another run meanwhile; choose another run-name"
        ) from error
    except OSError as error:
        raise UserError(f"results-dir: {folder} cannot be created ({error.strerror})") from error
