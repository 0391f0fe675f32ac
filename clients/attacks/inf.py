"""Sends infinity."""

import math

from clients.attacks._arrays import filled
from clients.attacks._attacker import Attacker
from fog_flower.weights import Weights


def inf(attacker: Attacker) -> Weights:
    """Send infinity everywhere."""
    return filled(attacker.honest_update, math.inf)
