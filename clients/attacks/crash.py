"""A node that fails."""

from clients.attacks._attacker import AttackCrashError, Attacker
from fog_flower.weights import Weights


def crash(attacker: Attacker) -> Weights:
    """Raise an error, like a node that runs out of memory."""
    raise AttackCrashError(
        f"fog node {attacker.fog_node} crashes in round {attacker.server_round} (attack)"
    )
