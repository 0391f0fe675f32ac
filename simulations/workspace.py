"""A temporary folder that goes with its process, even if that is killed."""

import contextlib
import hashlib
import os
import platform
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

_NAME = re.compile(r"fog-flower-([0-9a-f]{4})-(\d+)-")
_MACHINE_ID, _NAMESPACE = Path("/etc/machine-id"), Path("/proc/self/ns/pid")


@contextlib.contextmanager
def own_workspace(parent: Path | None = None) -> Iterator[Path]:
    """Make a folder that is gone afterwards; clear what killed processes left of theirs.

    Node data at the paper's scale is 860 MB a run.

    Parameters
    ----------
    parent : Path, optional
        Where to make it, if not where temporary files belong.
    """
    parent = parent or Path(tempfile.gettempdir())
    _clear_orphans(parent)
    prefix = f"fog-flower-{numbering()}-{os.getpid()}-"
    folder = Path(tempfile.mkdtemp(prefix=prefix, dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def numbering() -> str:
    """Return who numbers processes here: another machine or container has other numbers.

    Several may share one folder for temporary files. Four characters, because a path to one of
    Ray's sockets may have only 107.
    """
    parts = [platform.node()]
    with contextlib.suppress(OSError):
        parts.append(_MACHINE_ID.read_text())
    with contextlib.suppress(OSError):
        parts.append(str(_NAMESPACE.readlink()))
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:4]


def _clear_orphans(parent: Path) -> None:
    ours = numbering()
    for folder in parent.glob("fog-flower-*-*"):
        named = _NAME.match(folder.name)
        # A number that another process has taken meanwhile is cleared another time.
        if named and named[1] == ours and not psutil.pid_exists(int(named[2])):
            shutil.rmtree(folder, ignore_errors=True)
