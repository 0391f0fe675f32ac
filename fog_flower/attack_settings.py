"""Which fog nodes misbehave, how and when: the meaning of the attack keys."""

import math
from typing import Protocol

from fog_flower.errors import UserError

NONE, BACKDOOR = "none", "backdoor"
# What each does and where it comes from stands in simulations/attacks/catalogue.py.
ATTACKS = (
    NONE,
    "label-flip",
    "sign-flip",
    "amplified",
    "gaussian",
    "replacement",
    "zero",
    "constant",
    "nan",
    "inf",
    "inner-product",
    "alie",
    "adaptive",
    BACKDOOR,
    "crash",
    "slow",
)


class AttackKeys(Protocol):
    """The part of a run configuration that this reads."""

    @property
    def attack(self) -> str: ...  # noqa: D102
    @property
    def malicious_nodes(self) -> str: ...  # noqa: D102
    @property
    def attack_rounds(self) -> str: ...  # noqa: D102
    @property
    def fog_nodes(self) -> int: ...  # noqa: D102
    @property
    def rounds(self) -> int: ...  # noqa: D102


def malicious_nodes(config: AttackKeys) -> frozenset[int]:
    """Return the fog nodes that misbehave: the last ``malicious-nodes``, or those it lists.

    Raises
    ------
    UserError
        If the text is neither, or there are no such nodes.
    """
    if config.attack == NONE:
        return frozenset()
    text, fog_nodes = config.malicious_nodes, config.fog_nodes
    listed = text.removeprefix("nodes:").split(",") if text.startswith("nodes:") else None
    try:
        chosen = [int(n) for n in listed] if listed else range(fog_nodes - int(text), fog_nodes)
    except ValueError:
        chosen = [-1]
    if not all(0 <= node < fog_nodes for node in chosen):
        raise UserError(
            f"malicious-nodes={text!r}: write how many of the {fog_nodes} fog nodes, e.g. 1, "
            f"or which of 0 to {fog_nodes - 1}, e.g. nodes:0,2"
        )
    return frozenset(chosen)


def attack_rounds(config: AttackKeys) -> range:
    """Return the rounds in which malicious nodes misbehave: ``2``, ``3-5``, or ``3-`` to the end.

    Raises
    ------
    UserError
        If the text is none of these.
    """
    text = config.attack_rounds
    if not text:
        return range(1, config.rounds + 1)
    first, dash, last = text.partition("-")
    try:
        end = (int(last) if last else math.inf) if dash else int(first)
        rounds = range(int(first), int(min(end, config.rounds)) + 1)
    except ValueError:
        rounds, end = range(0), 0
    if rounds.start < 1 or end < rounds.start:
        raise UserError(
            f"attack-rounds={text!r}: write a round or a range, e.g. 2, 3-5, or 3- to the end"
        )
    return rounds
