"""A temporary folder that goes with its process, even if that is killed."""

import contextlib
import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import psutil

_NAME = re.compile(r"fog-flower-pid(\d+)-")


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
    folder = Path(tempfile.mkdtemp(prefix=f"fog-flower-pid{os.getpid()}-", dir=parent))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _clear_orphans(parent: Path) -> None:
    for folder in parent.glob("fog-flower-pid*-*"):
        named = _NAME.match(folder.name)
        # A number that another process has taken meanwhile is cleared another time.
        if named and not psutil.pid_exists(int(named[1])):
            shutil.rmtree(folder, ignore_errors=True)
