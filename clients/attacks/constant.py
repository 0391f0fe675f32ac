"""Sends the same number everywhere."""

from clients.attacks._arrays import filled
from clients.attacks._attacker import Attacker
from fog_flower.weights import Weights


def constant(attacker: Attacker, strength: float = 0.01) -> Weights:
    """Send an update of which every number is ``strength``."""
    return filled(attacker.honest_update, strength)
