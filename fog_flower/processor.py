"""What the system says of the processor."""

from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")


def processor_words() -> str:
    """Return what Linux says of the processor, its instructions among it; elsewhere nothing."""
    return CPUINFO.read_text() if CPUINFO.exists() else ""
