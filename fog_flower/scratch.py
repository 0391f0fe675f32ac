"""The folders for fog nodes' data during a run; removed at its end, or when they are old."""

import contextlib
import os
import shutil
import tempfile
import time
from pathlib import Path

from fog_flower.errors import UserError
from fog_flower.variables import SCRATCH_VARIABLE

KEEP_HOURS = 24.0  # since the last use; longer than any round, and the longest that data is kept


def scratch_root() -> Path:
    """Return the folder of all runs: ``$FOG_FLOWER_SCRATCH``, or this user's folder in temp.

    Raises
    ------
    UserError
        If the folder in temp belongs to another user, who could read what end nodes share.
    """
    configured = os.environ.get(SCRATCH_VARIABLE)
    if configured:
        return Path(configured)
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    root = Path(tempfile.gettempdir(), f"fog-flower-{user}")
    root.mkdir(mode=0o700, parents=True, exist_ok=True)
    if hasattr(os, "getuid") and (root.is_symlink() or root.stat().st_uid != user):
        raise UserError(
            f"{root} is not a folder of this user's, so node data cannot be kept there; remove it, "
            f"or name another folder in {SCRATCH_VARIABLE}"
        )
    return root


def scratch_dir(run_id: int) -> Path:
    """Return a run's folder."""
    return scratch_root() / f"run-{run_id}"


def clear_scratch(run_id: int) -> None:
    """Remove a run's folder; processes that have mapped its files can still read them."""
    shutil.rmtree(scratch_dir(run_id), ignore_errors=True)


def mark_used(run_id: int) -> None:
    """Note that a run's folder is in use now."""
    with contextlib.suppress(OSError):  # the folder is gone: nothing to keep
        os.utime(scratch_dir(run_id))


def clear_old_scratch() -> None:
    """Remove the folders of runs that have not been used for ``KEEP_HOURS``.

    A run's end clears only the server's machine. A fog node of a deployment is not told of the end,
    so the next run there removes what was left.
    """
    oldest = time.time() - KEEP_HOURS * 3600
    for folder in scratch_root().glob("run-*"):
        with contextlib.suppress(OSError):
            if folder.stat().st_mtime < oldest:
                shutil.rmtree(folder, ignore_errors=True)
