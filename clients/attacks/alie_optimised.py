"""ALIE with the strength that does most harm behind the run's own gate."""

import numpy as np

from clients.attacks._attacker import Attacker
from clients.attacks._own_cloud import most_harmful
from fog_flower.weights import Weights, flatten

STRENGTHS = (0.25, 0.5, 1.0, 1.5, 2.0, 3.0, 5.0, 10.0)


def alie_optimised(attacker: Attacker) -> Weights:
    """Send mean - z * standard deviation of all honest updates, with the most harmful z of a grid.

    The optimised ALIE of ByzFL (Gonzalez et al. 2025, arXiv:2505.24802): Baruch et al. 2019 with a
    line search. Harm is the loss, on the first attacker's data, of what the run's own gate would
    merge. Each colluder adds private noise, so that no two send the same.
    """
    rows = np.stack([flatten(update) for update in attacker.others_updates()])
    centre, spread = rows.mean(axis=0), rows.std(axis=0)
    sent = [centre - np.float32(z) * spread for z in STRENGTHS]
    return most_harmful(attacker, "alie", sent)
