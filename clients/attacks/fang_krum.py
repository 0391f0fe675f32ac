"""Fang's attack on Krum: goes as far against the sign of the mean as Krum still chooses."""

import numpy as np
import numpy.typing as npt

from clients.attacks._attacker import Attacker
from fog_flower.weights import Weights, flatten, squared_distances, unflatten

STEPS = 30


def fang_krum(attacker: Attacker) -> Weights:
    """Send -lambda * sign(mean) from all colluders, with the largest lambda that Krum chooses.

    Fang et al. 2020, arXiv:1911.11815, section 4.2, with full knowledge. lambda starts at the
    paper's bound, here the largest honest length / sqrt(d), and is halved until Krum (Blanchard et
    al. 2017) over honest and malicious updates picks a malicious one.
    """
    honest = np.stack([flatten(update) for update in attacker.others_updates()]).astype(np.float64)
    malicious = len(attacker.colluders)
    against = -np.sign(honest.mean(axis=0))
    size = float(np.linalg.norm(honest, axis=1).max()) / np.sqrt(honest.shape[1])
    for _ in range(STEPS):
        sent = size * against
        if _krum(np.vstack([honest, np.tile(sent, (malicious, 1))]), malicious) >= len(honest):
            break
        size /= 2
    return unflatten((size * against).astype(np.float32), attacker.honest_update)


def _krum(rows: npt.NDArray[np.float64], malicious: int) -> int:
    """Return the row with the least sum of squared distances to its n - m - 2 nearest others."""
    distances = np.sort(squared_distances(rows), axis=1)[:, 1:]
    nearest = max(len(rows) - malicious - 2, 1)
    return int(distances[:, :nearest].sum(axis=1).argmin())
