"""The system's description of the processor, and the cores of it that may be used."""

import os
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")


def processor_words() -> str:
    """Return Linux' description of the processor, with its instructions; empty elsewhere."""
    return CPUINFO.read_text() if CPUINFO.exists() else ""


def usable_cores() -> int:
    """Return the number of cores that this process may use; all if the system does not tell."""
    if hasattr(os, "sched_getaffinity"):  # not on macOS
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
