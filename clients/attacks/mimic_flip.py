"""Replays an honest update from all colluders but one, which sends its opposite."""

from clients.attacks._arrays import scaled
from clients.attacks._attacker import Attacker
from clients.attacks.mimic import mimic
from fog_flower.weights import Weights


def mimic_flip(attacker: Attacker, strength: float = 1.0) -> Weights:
    """Send what ``mimic`` sends; the first colluder sends -strength times it."""
    replayed = mimic(attacker)
    if attacker.fog_node == attacker.colluders[0]:
        return scaled(replayed, -strength)
    return replayed
