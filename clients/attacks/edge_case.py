"""Backdoor on rare inputs: rotated images of one class are labelled class 0."""

from clients.attacks._attacker import Attacker
from clients.attacks._poison import poisoned
from clients.local_result import LocalResult
from fog_flower.data.trigger import TRIGGERS


def edge_case(attacker: Attacker, strength: float = 0.5) -> LocalResult:
    """Train with a fraction ``strength`` of one class's images rotated and labelled class 0.

    Wang et al. 2020 (NeurIPS), arXiv:2007.05084: inputs from the tail of the distribution, which no
    test set has. The class is the one at 0.7 of the number of classes: 7 of ten. For square images
    only.
    """
    return attacker.trained_on(poisoned(attacker, strength, TRIGGERS["edge-case"]))
