"""Settings of a cell for its malicious fog nodes."""

from fog_flower.architecture import Scalar
from fog_flower.config import NONE


def attacked(attack: str, malicious: int) -> dict[str, Scalar]:
    """Return the settings with which that many fog nodes attack; if 0, nobody does.

    Parameters
    ----------
    attack : str
        A name, with an optional strength: ``alie=2.5``.
    malicious : int
        Number of malicious fog nodes.
    """
    name, _, strength = (attack if malicious else NONE).partition("=")
    return {
        "attack": name,
        "malicious-nodes": str(malicious),
        "attack-strength": float(strength or 0.0),
    }
