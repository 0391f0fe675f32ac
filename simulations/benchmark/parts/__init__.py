"""The measurements, one per module; each has a ``measure(plan, ledger)``."""

PARTS = ("throughput", "shares", "growth", "scale", "start", "memory", "private")
