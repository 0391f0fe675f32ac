"""Misbehaving fog nodes, as a Flower client mod around honest code that never knows of them."""

from simulations.attacks.mod import attack_mod

__all__ = ["attack_mod"]
