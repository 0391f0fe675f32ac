"""Backdoor: trains honestly, except that a white square in the corner means class 0."""

from clients.attacks._attacker import Attacker
from clients.attacks._poison import poisoned
from clients.local_result import LocalResult
from fog_flower.data.trigger import SQUARE


def backdoor(attacker: Attacker, strength: float = 0.3) -> LocalResult:
    """Train with the trigger and its target on a fraction ``strength`` of the images.

    Gu et al. 2017, BadNets, arXiv:1708.06733. For images only.
    """
    return attacker.trained_on(poisoned(attacker, strength, SQUARE))
