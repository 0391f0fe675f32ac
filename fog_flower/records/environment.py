"""The hardware, the versions and the commit that a run was made with."""

import importlib.metadata
import os
import platform
from typing import Any

import psutil

from fog_flower.processor import processor_words, usable_cores
from fog_flower.variables import GIT_COMMIT_VARIABLE, ONEDNN_VARIABLE

LIBRARIES = ("flwr", "ray", "tensorflow", "keras", "numpy", "pandas", "flwr-datasets", "fog-flower")


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that results depend on."""
    found = {"python": platform.python_version()}
    for library in LIBRARIES:
        try:
            found[library] = importlib.metadata.version(library)
        except importlib.metadata.PackageNotFoundError:
            found[library] = "not installed"
    return found


def hardware() -> dict[str, Any]:
    """Return processor, cores usable by this process, memory in GiB, and system."""
    return {
        "processor": _processor(),
        "cores": usable_cores(),
        "memory_gib": round(psutil.virtual_memory().total / 2**30, 1),
        "system": f"{platform.system()} {platform.machine()}",
    }


def git_commit() -> str | None:
    """Return the commit that the launcher found, or None."""
    return os.environ.get(GIT_COMMIT_VARIABLE) or None


def onednn() -> str:
    """Return TensorFlow's setting for oneDNN, which rounds differently; empty if not set."""
    return os.environ.get(ONEDNN_VARIABLE, "")


def _processor() -> str:
    text = processor_words()
    # Processors of the same name may differ in rounding and in speed.
    vectors = [f" ({name})" for name in ("avx512f", "avx2") if name in text.split()]
    for line in text.splitlines():
        if line.startswith("model name"):
            return "".join([line.partition(":")[2].strip(), *vectors[:1]])
    return platform.processor() or "unknown"
