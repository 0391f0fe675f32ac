"""Model replacement: replaces the merged model by one trained on flipped labels."""

from clients.attacks._arrays import scaled
from clients.attacks._attacker import Attacker
from clients.attacks.label_flip import flipped
from fog_flower.weights import Weights


def replacement(attacker: Attacker, strength: float | None = None) -> Weights:
    """Send strength * dW of a model trained on flipped labels.

    Bagdasaryan et al. 2020, arXiv:1807.00459. The default strength is n / m, with m of n nodes
    malicious, so that the mean becomes that model.
    """
    if strength is None:
        strength = usual_strength(attacker.config.fog_nodes, len(attacker.colluders))
    return scaled(attacker.trained_on(flipped(attacker, 1.0)).delta, strength)


def usual_strength(fog_nodes: int, malicious: int) -> float:
    """Return n / m: the strength with which the mean becomes the attackers' model."""
    return fog_nodes / malicious
