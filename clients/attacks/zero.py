"""A free rider that sends zeros."""

from clients.attacks._arrays import filled
from clients.attacks._attacker import Attacker
from fog_flower.weights import Weights


def zero(attacker: Attacker) -> Weights:
    """Send zeros (Lin et al. 2019, arXiv:1911.12560)."""
    return filled(attacker.honest_update, 0.0)
