"""A backdoor on rare inputs: turned images of one class are called class 0."""

from clients.attacks._attacker import Attacker
from clients.attacks._poison import poisoned
from clients.local_result import LocalResult
from fog_flower.data.trigger import TRIGGERS


def edge_case(attacker: Attacker, strength: float = 0.5) -> LocalResult:
    """Train with a fraction ``strength`` of one class's images turned, and called class 0.

    Wang et al. 2020 (NeurIPS), arXiv:2007.05084: inputs from the tail, which no test set has. The
    class is that at 0.7 of their number, 7 of ten. For square images alone.
    """
    return attacker.trained_on(poisoned(attacker, strength, TRIGGERS["edge-case"]))
