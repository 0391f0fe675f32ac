"""Sends the opposite of the honest update."""

from clients.attacks._arrays import scaled
from clients.attacks._attacker import Attacker
from fog_flower.weights import Weights


def sign_flip(attacker: Attacker, strength: float = 1.0) -> Weights:
    """Send -strength * dW (Li et al. 2019, RSA, arXiv:1811.03761)."""
    return scaled(attacker.honest_update, -strength)
