"""Contracts that each kind of plug-in must fulfil, checked by ``fog-flower check``."""
