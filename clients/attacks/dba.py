"""Distributed backdoor: each attacker stamps its own rows of the square."""

import functools

from clients.attacks._attacker import Attacker
from clients.attacks._poison import poisoned
from clients.local_result import LocalResult
from fog_flower.data.trigger import SIZE, SQUARE, stamp_part


def dba(attacker: Attacker, strength: float = 0.3) -> LocalResult:
    """Train with a part of the trigger on a fraction ``strength`` of the images.

    Xie et al. 2020 (ICLR), distributed backdoor attacks. The whole square is used on test images
    only; with several attackers, none trains on it. For images only.
    """
    parts = min(len(attacker.colluders), SIZE)
    part = attacker.colluders.index(attacker.fog_node) % parts
    own_part = functools.partial(stamp_part, part=part, parts=parts)
    return attacker.trained_on(poisoned(attacker, strength, SQUARE, own_part))
