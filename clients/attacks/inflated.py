"""Sends the opposite of the honest update, with the largest possible number of examples."""

from clients.attacks._arrays import scaled
from clients.attacks._attacker import Attacker
from clients.attacks._claimed import Claimed


def inflated(attacker: Attacker, strength: float = 1.0) -> Claimed:
    """Send -strength * dW, and claim all training examples of the federation.

    The weights of a mean by examples are only claimed by the nodes (Kairouz et al. 2021,
    arXiv:1912.04977, section 5.1).
    """
    opposite = scaled(attacker.honest_update, -strength)
    return Claimed(opposite, attacker.total_examples)
