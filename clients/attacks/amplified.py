"""Sends the honest update, much too long."""

from clients.attacks._arrays import scaled
from clients.attacks._attacker import Attacker
from fog_flower.weights import Weights


def amplified(attacker: Attacker, strength: float = 100.0) -> Weights:
    """Send strength * dW, the boosting of Bhagoji et al. 2019, arXiv:1811.12470."""
    return scaled(attacker.honest_update, strength)
