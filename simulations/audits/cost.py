"""How long an audit took, and how much memory."""

import time
from types import TracebackType
from typing import Self

from simulations.engines.memory_watch import MemoryWatch

SECONDS, PEAK = "seconds", "peak_gibibytes"  # names in audit.json; older ones have no peak


class Cost:
    """Measures a ``with`` block.

    Attributes
    ----------
    seconds : float
    peak_gibibytes : float
        The largest memory of this process and those that it started, measured twice a second.
    """

    def __enter__(self) -> Self:
        self._began = time.perf_counter()
        self._memory = MemoryWatch()
        self._memory.__enter__()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._memory.__exit__(kind, error, trace)
        self.seconds = round(time.perf_counter() - self._began, 1)
        self.peak_gibibytes = round(self._memory.peak / 2**30, 2)

    def to_json(self) -> dict[str, float]:
        """Return both figures by their names in ``audit.json``."""
        return {SECONDS: self.seconds, PEAK: self.peak_gibibytes}

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s, {self.peak_gibibytes:.2f} GiB"
