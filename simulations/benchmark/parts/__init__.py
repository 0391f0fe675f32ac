"""What is measured, one thing a module: each has a ``measure(plan, ledger)``."""

PARTS = ("throughput", "shares", "growth", "scale", "start", "memory", "private")
