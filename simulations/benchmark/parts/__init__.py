"""The measurements, one per module, each with a function ``measure(plan, ledger)``."""

PARTS = ("throughput", "growth", "scale", "start", "memory", "private")
