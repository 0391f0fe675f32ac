"""The opposite of the honest update, as if it came from all examples there are."""

from clients.attacks._arrays import scaled
from clients.attacks._attacker import Attacker
from clients.attacks._claimed import Claimed


def inflated(attacker: Attacker, strength: float = 1.0) -> Claimed:
    """Send -strength * dW, and claim every training example of the federation.

    The weights of a mean by examples are the nodes' own word (Kairouz et al. 2021,
    arXiv:1912.04977, section 5.1).
    """
    opposite = scaled(attacker.honest_update, -strength)
    return Claimed(opposite, attacker.total_examples)
