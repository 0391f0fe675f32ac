"""Attacks on what a run releases, compared with what is promised: ``fog-flower audit``."""
