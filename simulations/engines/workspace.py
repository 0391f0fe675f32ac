"""A temporary folder that is removed after its process ends, even if the process is killed."""

import contextlib
import os
import platform
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import filelock
import psutil

from fog_flower.data.whole_folder import reason
from fog_flower.errors import UserError

PREFIX = "fog-flower-pid"
OWNER, LOCK = "owner", "owner.lock"
BOOT_ID = Path("/proc/sys/kernel/random/boot_id")


@contextlib.contextmanager
def own_workspace(parent: Path | None = None, variable: str = "TMPDIR") -> Iterator[Path]:
    """Create a folder and remove it afterwards; also remove folders that killed processes left.

    At the paper's scale, node data takes 860 MB per run.

    Parameters
    ----------
    parent : Path, optional
        The parent folder; by default the system's folder for temporary files.
    variable : str
        The environment variable that moves the folder, for messages.

    Raises
    ------
    UserError
        If the folder cannot be created or written.
    """
    remedy = f"make room there, or set {variable} to another folder"
    try:
        parent = parent or Path(tempfile.gettempdir())
        _clear_orphans(parent)
        folder = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{os.getpid()}-", dir=parent))
    except OSError as error:
        raise UserError(
            f"{parent or 'a temporary folder'} cannot be written ({reason(error)}): {remedy}"
        ) from error
    lock = filelock.FileLock(folder / LOCK)
    try:
        lock.acquire(timeout=0)
        # Written under the lock, so a folder with this file but without a lock is unused.
        (folder / OWNER).write_text(this_boot())
        yield folder
    except OSError as error:
        if str(folder) in str(error):  # the message names all files involved
            raise UserError(f"{folder} cannot be written ({reason(error)}): {remedy}") from error
        raise
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def this_boot() -> str:
    """Return an identifier of the running kernel, the same for all its processes.

    Process ids are useless in a shared folder, because another machine or container has other
    processes with the same ids.
    """
    if BOOT_ID.exists():
        return BOOT_ID.read_text().strip()
    return f"{platform.node()} {int(psutil.boot_time())}"


def _clear_orphans(parent: Path) -> None:
    """Remove folders whose owner ran under this kernel and has ended.

    A lock only shows reliably whether its owner is running if both have the same kernel.
    """
    for folder in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, filelock.Timeout):
            if (folder / OWNER).read_text() != this_boot():
                continue
            with filelock.FileLock(folder / LOCK, timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
