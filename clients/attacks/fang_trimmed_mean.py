"""Fang's attack on trimmed mean and median: values just outside the honest ones."""

import numpy as np

from clients.attacks._attacker import Attacker
from fog_flower.weights import Weights, flatten, unflatten

BEYOND = 2.0  # b of the paper


def fang_trimmed_mean(attacker: Attacker) -> Weights:
    """Send, for each coordinate, a value beyond the honest ones, against the sign of their mean.

    Fang et al. 2020, arXiv:1911.11815, section 4.3, with full knowledge and b = 2. If the mean is
    positive, the value is random between the smallest honest value and b times further; otherwise
    beyond the largest.
    """
    rows = np.stack([flatten(update) for update in attacker.all_updates()]).astype(np.float64)
    low, high, grows = rows.min(axis=0), rows.max(axis=0), rows.mean(axis=0) > 0.0
    below = np.where(low > 0.0, low / BEYOND, low * BEYOND)
    above = np.where(high > 0.0, high * BEYOND, high / BEYOND)
    edge, far = np.where(grows, low, high), np.where(grows, below, above)
    chosen = edge + attacker.rng.random(edge.shape) * (far - edge)
    return unflatten(chosen.astype(np.float32), attacker.honest_update)
