"""What is measured, one thing a module: each has a ``measure(plan, ledger)``."""

PARTS = ("throughput", "shares", "growth", "start", "memory", "private")
