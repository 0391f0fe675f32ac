"""Parses the keys that say which fog nodes are malicious, and in which rounds."""

import math

from fog_flower.errors import UserError


def parse_malicious_nodes(text: str, fog_nodes: int, *, attacked: bool) -> frozenset[int]:
    """Return the malicious fog nodes: the last ``malicious-nodes`` ones, or those that it lists.

    Parameters
    ----------
    text : str
        ``2``, or ``nodes:0,3``.
    fog_nodes : int
    attacked : bool
        Whether there is an attack. Without one, no node is malicious.

    Raises
    ------
    UserError
        If the text has neither form, or lists a node that does not exist, or one twice.
    """
    listed = text.removeprefix("nodes:").split(",") if text.startswith("nodes:") else None
    try:
        if listed is None and int(text) < 0:
            raise ValueError
        chosen = [int(n) for n in listed] if listed else range(fog_nodes - int(text), fog_nodes)
    except ValueError:
        chosen = [-1]
    if not all(0 <= node < fog_nodes for node in chosen) or len(set(chosen)) < len(chosen):
        raise UserError(
            f"malicious-nodes={text!r}: write how many of the {fog_nodes} fog nodes, e.g. 1, "
            f"or which of 0 to {fog_nodes - 1}, e.g. nodes:0,2"
        )
    return frozenset(chosen) if attacked else frozenset()


def parse_rounds(text: str, last_round: int) -> range:
    """Return the rounds with attacks: ``2``, ``3-5``, or ``3-`` to the end; empty: all.

    Raises
    ------
    UserError
        If the text has none of these forms, or the run has no such round.
    """
    if not text:
        return range(1, last_round + 1)
    first, dash, last = text.partition("-")
    try:
        end = (int(last) if last else math.inf) if dash else int(first)
        rounds = range(int(first), int(min(end, last_round)) + 1)
    except ValueError:
        rounds, end = range(0), 0
    if rounds.start < 1 or end < rounds.start:
        raise UserError(
            f"attack-rounds={text!r}: write a round or a range, e.g. 2, 3-5, or 3- to the end"
        )
    if not rounds:
        raise UserError(
            f"attack-rounds={text!r}, but num-server-rounds={last_round}: nobody would attack; "
            "write rounds that are made"
        )
    return rounds
