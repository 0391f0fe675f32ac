"""A temporary folder that goes with its process, even if that is killed."""

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
    """Make a folder that is gone afterwards; clear what killed processes left of theirs.

    Node data at the paper's scale is 860 MB a run.

    Parameters
    ----------
    parent : Path, optional
        Where to make it, if not where temporary files belong.
    variable : str
        What a user sets to have it elsewhere, for messages.

    Raises
    ------
    UserError
        If it cannot be made.
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
        # Written under the lock: what has this file and is not locked, nobody uses any more.
        (folder / OWNER).write_text(this_boot())
        yield folder
    except OSError as error:
        if str(folder) in str(error):  # of several files, all are named
            raise UserError(f"{folder} cannot be written ({reason(error)}): {remedy}") from error
        raise
    finally:
        lock.release()
        shutil.rmtree(folder, ignore_errors=True)


def this_boot() -> str:
    """Return what is the same for all processes of this kernel, and for no others.

    A number of a process says nothing where the folder is shared: it is another process on
    another machine, or in another container.
    """
    if BOOT_ID.exists():
        return BOOT_ID.read_text().strip()
    return f"{platform.node()} {int(psutil.boot_time())}"


def _clear_orphans(parent: Path) -> None:
    """Remove folders whose owner ran under this kernel, and has ended.

    Only then a lock says for certain whether its owner is there.
    """
    for folder in parent.glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, filelock.Timeout):
            if (folder / OWNER).read_text() != this_boot():
                continue
            with filelock.FileLock(folder / LOCK, timeout=0):
                shutil.rmtree(folder, ignore_errors=True)
