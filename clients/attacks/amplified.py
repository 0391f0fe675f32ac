"""The right direction, much too far."""

from clients.attacks._arrays import scaled
from clients.attacks._attacker import Attacker
from fog_flower.weights import Weights


def amplified(attacker: Attacker, strength: float = 100.0) -> Weights:
    """Send strength * dW (Bhagoji et al. 2019, arXiv:1811.12470, boost so)."""
    return scaled(attacker.honest_update, strength)
