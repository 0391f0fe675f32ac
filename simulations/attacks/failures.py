"""Nodes that are not malicious but broken."""

import time

from flwr.app import Message

from simulations.attacks.attacker import Attacker


class AttackCrashError(RuntimeError):
    """A fog node that fails on purpose (``attack=crash``)."""


def crash(attacker: Attacker) -> Message:
    """Raise, as a node does that runs out of memory."""
    raise AttackCrashError(
        f"fog node {attacker.fog_node} crashes in round {attacker.server_round} (attack)"
    )


def slow(attacker: Attacker) -> Message:
    """Answer honestly, ``strength`` seconds late."""
    time.sleep(attacker.strength)
    return attacker.honest_reply
