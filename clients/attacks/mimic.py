"""Replays an honest update, so that one honest node is over-represented."""

import numpy as np

from clients.attacks._attacker import Attacker
from fog_flower.weights import Weights, flatten


def mimic(attacker: Attacker) -> Weights:
    """Send the honest update that lies furthest out along the direction of most variance.

    Karimireddy et al. 2022, arXiv:2006.09365, section 3. All colluders replay the same one.
    """
    updates = attacker.others_updates()
    rows = np.stack([flatten(update) for update in updates]).astype(np.float64)
    centred = rows - rows.mean(axis=0)
    _, vectors = np.linalg.eigh(centred @ centred.T)  # few nodes: their Gram matrix is small
    return updates[int(np.abs(vectors[:, -1]).argmax())]
