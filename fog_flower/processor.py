"""The system's description of the processor."""

from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")


def processor_words() -> str:
    """Return Linux' description of the processor, with its instructions; empty elsewhere."""
    return CPUINFO.read_text() if CPUINFO.exists() else ""
