"""Sends NaN."""

import math

from clients.attacks._arrays import filled
from clients.attacks._attacker import Attacker
from fog_flower.weights import Weights


def nan(attacker: Attacker) -> Weights:
    """Send NaN everywhere."""
    return filled(attacker.honest_update, math.nan)
