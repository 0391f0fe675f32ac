"""Attacks on what a run releases, compared with its privacy promises: ``fog-flower audit``."""
