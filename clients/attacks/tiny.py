"""Sends next to nothing in the honest direction, so that others are cut to its length."""

from clients.attacks._arrays import finite_ones, mean, scaled
from clients.attacks._attacker import Attacker
from fog_flower.weights import Weights


def tiny(attacker: Attacker, strength: float = 1e-3) -> Weights:
    """Send ``strength`` times the mean honest update.

    A rule that limits lengths by the shortest update, as plain merges of ``gate=learned`` once did,
    then takes little of anybody. The attack was found by attacking this project's own gate.
    """
    return scaled(mean(finite_ones(attacker.others_updates(), attacker.honest_update)), strength)
