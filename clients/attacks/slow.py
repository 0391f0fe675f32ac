"""A node that is late."""

import time

from clients.attacks._attacker import Attacker
from fog_flower.weights import Weights


def slow(attacker: Attacker, strength: float = 1.0) -> Weights:
    """Send the honest update ``strength`` seconds late; after round-timeout it is not used."""
    time.sleep(strength)
    return attacker.honest_update
