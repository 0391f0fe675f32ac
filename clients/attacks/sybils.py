"""One update leads away; beside it stand tiny copies of it that nobody would notice."""

from clients.attacks._arrays import mean, scaled
from clients.attacks._attacker import Attacker
from fog_flower.weights import Weights

TINY = 1e-3  # times the length of an honest update


def sybils(attacker: Attacker, strength: float = 1.0) -> Weights:
    """Send -strength * mean of the colluders' honest updates from one, a tiny part from others.

    Rules that count directions (cosines, copies) see a crowd; rules that look at lengths see
    harmless ones (Fung et al. 2020, FoolsGold, arXiv:1808.04866, is against such crowds).
    """
    against = scaled(mean(attacker.honest_updates()), -strength)
    if attacker.fog_node == attacker.colluders[0]:
        return against
    return scaled(against, TINY)
