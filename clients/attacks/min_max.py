"""Min-Max: no further from any honest update than the two honest ones furthest apart."""

from clients.attacks._attacker import Attacker
from clients.attacks._far_as_peers import furthest
from fog_flower.weights import Weights


def min_max(attacker: Attacker) -> Weights:
    """Send mean - gamma * std with max_i |m - x_i| <= max_ij |x_i - x_j| and the largest gamma.

    Shejwalkar & Houmansadr 2021 (NDSS), equation 4; x_i are the honest updates of all nodes.
    """
    return furthest(
        attacker.all_updates(),
        allowed=lambda between: float(between.max()),
        measure=lambda squares: float(squares.max()),
    )
