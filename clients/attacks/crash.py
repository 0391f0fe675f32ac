"""A node that fails."""

from clients.attacks._attacker import AttackCrashError, Attacker
from fog_flower.weights import Weights


def crash(attacker: Attacker) -> Weights:
    """Raise, as a node does that runs out of memory."""
    raise AttackCrashError(
        f"fog node {attacker.fog_node} crashes in round {attacker.server_round} (attack)"
    )
