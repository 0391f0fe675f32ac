"""Where fog nodes keep their data while a run lasts; the run's end clears it."""

import os
import shutil
import tempfile
from pathlib import Path

from fog_flower.variables import SCRATCH_VARIABLE


def scratch_dir(run_id: int) -> Path:
    """Return a run's folder: under ``$FOG_FLOWER_SCRATCH``, or one of this user in temp."""
    configured = os.environ.get(SCRATCH_VARIABLE)
    if configured:
        return Path(configured) / f"run-{run_id}"
    user = os.getuid() if hasattr(os, "getuid") else os.environ.get("USERNAME", "user")
    root = Path(tempfile.gettempdir(), f"fog-flower-{user}")
    root.mkdir(mode=0o700, parents=True, exist_ok=True)  # what end nodes share is nobody else's
    return root / f"run-{run_id}"


def clear_scratch(run_id: int) -> None:
    """Remove a run's folder; who still maps its files keeps them until it lets go."""
    shutil.rmtree(scratch_dir(run_id), ignore_errors=True)
