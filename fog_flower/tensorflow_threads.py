"""How many threads a process may take, where several share the cores."""

import os

THREADS_VARIABLE = "FOG_FLOWER_THREADS"  # set by whoever starts several processes


def allowed_threads() -> int:
    """Return the limit for this process; 0 is none."""
    return int(os.environ.get(THREADS_VARIABLE, "0"))
