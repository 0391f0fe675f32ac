"""Gradient ascent: increases the loss, with the length of an honest update."""

from clients.attacks._attacker import Attacker
from clients.attacks._own_cloud import OwnCloud
from fog_flower.weights import Weights, as_dtype, norm


def loss_ascent(attacker: Attacker, strength: float = 1.0) -> Weights:
    """Send strength * |dW| * g / |g|, with g the gradient of the loss at W on the node's own data.

    One step of the gradient-ascent poisoning of Shejwalkar et al. 2022 (arXiv:2108.10241), scaled
    to the length of the honest update dW.
    """
    honest = attacker.honest_update
    gradient = OwnCloud(attacker).gradient(attacker.weights)
    length = norm(gradient)
    factor = strength * norm(honest) / length if length else 0.0
    return [as_dtype(g * factor, h.dtype) for g, h in zip(gradient, honest, strict=True)]
