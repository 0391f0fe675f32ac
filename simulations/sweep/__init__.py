"""Sweeps: all runs of an experiment; can be killed at any time and continued by repeating them."""
