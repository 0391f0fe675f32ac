"""Inner product manipulation: sends the opposite of the mean honest update."""

from clients.attacks._arrays import mean, scaled
from clients.attacks._attacker import Attacker
from fog_flower.weights import Weights


def inner_product(attacker: Attacker, strength: float = 1.0) -> Weights:
    """Send -strength * the mean of the colluders' honest updates.

    Xie et al. 2020, arXiv:1903.03936.
    """
    return scaled(mean(attacker.honest_updates()), -strength)
