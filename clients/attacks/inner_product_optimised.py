"""Inner product manipulation with the strength that does most harm behind the run's own gate."""

import numpy as np

from clients.attacks._attacker import Attacker
from clients.attacks._own_cloud import most_harmful
from fog_flower.weights import Weights, flatten

STRENGTHS = (0.05, 0.1, 0.25, 0.5, 1.0, 2.0, 4.0, 8.0)


def inner_product_optimised(attacker: Attacker) -> Weights:
    """Send -s * the mean of all honest updates, with the most harmful s of a grid.

    The optimised IPM of ByzFL (Gonzalez et al. 2025, arXiv:2505.24802): Xie et al. 2020 with a line
    search. Harm and private noise are as in ``alie_optimised``.
    """
    centre = np.mean([flatten(update) for update in attacker.others_updates()], axis=0)
    sent = [np.float32(-s) * centre for s in STRENGTHS]
    return most_harmful(attacker, "ipm", sent)
