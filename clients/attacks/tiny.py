"""Sends next to nothing in the honest direction, so that others are cut to its length."""

from clients.attacks._arrays import mean, scaled
from clients.attacks._attacker import Attacker
from fog_flower.weights import Weights, all_finite


def tiny(attacker: Attacker, strength: float = 1e-3) -> Weights:
    """Send ``strength`` times the mean honest update.

    A rule that limits lengths by the shortest update, as plain merges of ``gate=learned`` do, then
    takes little of anybody. The attack was found by attacking this project's own gate.
    """
    honest = [one for one in attacker.others_updates() if all_finite(one)]
    return scaled(mean(honest or [attacker.honest_update]), strength)
