"""A little is enough (ALIE): stays inside the spread of the honest updates."""

from statistics import NormalDist

import numpy as np

from clients.attacks._arrays import mean
from clients.attacks._attacker import Attacker
from fog_flower.weights import Weights


def alie(attacker: Attacker, strength: float | None = None) -> Weights:
    """Send mean - strength * standard deviation of the colluders' honest updates.

    Baruch et al. 2019, arXiv:1902.06156; mean and deviation are coordinate-wise.
    """
    if strength is None:
        strength = usual_strength(attacker.config.fog_nodes, len(attacker.colluders))
    honest = attacker.honest_updates()
    centre = mean(honest)
    spread = [np.std([update[i] for update in honest], axis=0) for i in range(len(centre))]
    return [(c - strength * s).astype(c.dtype) for c, s in zip(centre, spread, strict=True)]


def usual_strength(fog_nodes: int, malicious: int) -> float:
    """Return ALIE's z_max: how far off a value may lie while enough honest ones lie further.

    z = Phi^-1((n - m - s) / (n - m)) with s = floor(n / 2 + 1) - m supporters needed. If the
    malicious nodes are the majority, no supporter is needed, and the paper's formula does not
    apply. Then 1.5 is used, about the value in the paper's experiments.
    """
    honest, supporters = fog_nodes - malicious, fog_nodes // 2 + 1 - malicious
    if supporters <= 0 or honest <= supporters:
        return 1.5
    return max(NormalDist().inv_cdf((honest - supporters) / honest), 0.0)
