"""Attacks on what a run releases, beside what its protections promise: ``fog-flower audit``."""
