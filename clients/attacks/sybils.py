"""Sends one harmful update, and tiny copies of it from the other colluders."""

from clients.attacks._arrays import mean, scaled
from clients.attacks._attacker import Attacker
from fog_flower.weights import Weights

TINY = 1e-3  # length of a copy over that of the harmful update


def sybils(attacker: Attacker, strength: float = 1.0) -> Weights:
    """Send -strength * the mean of the colluders' honest updates; all but the first send 1/1000.

    Rules that compare directions (cosines, copies) see many equal updates; rules that compare
    lengths see harmless ones. FoolsGold (Fung et al. 2020, arXiv:1808.04866) is a defence.
    """
    against = scaled(mean(attacker.honest_updates()), -strength)
    if attacker.fog_node == attacker.colluders[0]:
        return against
    return scaled(against, TINY)
