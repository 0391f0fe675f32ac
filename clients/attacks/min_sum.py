"""Min-Sum: in sum, no further from the honest updates than the outermost honest one."""

from clients.attacks._attacker import Attacker
from clients.attacks._far_as_peers import furthest
from fog_flower.weights import Weights


def min_sum(attacker: Attacker) -> Weights:
    """Send mean - gamma * std with sum_i |m - x_i|^2 <= max_i sum_j |x_i - x_j|^2.

    Shejwalkar & Houmansadr 2021 (NDSS), equation 5, with the largest gamma; x_i are the honest
    updates of all nodes.
    """
    return furthest(
        attacker.all_updates(),
        allowed=lambda between: float(between.sum(axis=1).max()),
        measure=lambda squares: float(squares.sum()),
    )
