"""Decides when a fog node that failed in training may join a masked group again."""

from collections.abc import Iterable


class Rehearsals:
    """Leaves a fog node out of masked groups after it has failed in training.

    If one node of a group sends nothing, the group's sum is lost. A node that always fails would
    cost its group every round. Instead it rehearses: it trains, but sends no dW. It joins a group
    again after as many successful rehearsals in a row as the number of rounds in which it failed.
    So a node that always fails costs a group one round, and a node that fails only when it counts
    costs a group a round less and less often.

    Attributes
    ----------
    failed : dict of int to list of int
        Fog node to the rounds that its group lost because of it.
    passed : dict of int to int
        Fog node to its successful rehearsals in a row; only nodes that are rehearsing.
    """

    def __init__(self) -> None:
        self.failed: dict[int, list[int]] = {}
        self.passed: dict[int, int] = {}

    def due(self, fog_nodes: Iterable[int]) -> list[int]:
        """Return the fog nodes that have to rehearse in the next round."""
        return [fog_node for fog_node in fog_nodes if fog_node in self.passed]

    def fail(self, fog_node: int, server_round: int) -> None:
        """Record that a group lost its round because of a fog node, which must rehearse now."""
        self.failed.setdefault(fog_node, []).append(server_round)
        self.passed[fog_node] = 0

    def fail_rehearsal(self, fog_node: int) -> None:
        """Record that a fog node failed in a rehearsal: its count starts again at 0."""
        self.passed[fog_node] = 0

    def rehearse(self, fog_node: int) -> str:
        """Record a successful rehearsal, and return its state in words."""
        self.passed[fog_node] += 1
        told = f"{self.why(fog_node)}; rehearsed {self.passed[fog_node]} of {self.wanted(fog_node)}"
        if self.passed[fog_node] >= self.wanted(fog_node):
            del self.passed[fog_node]
        return told

    def join(self, fog_node: int) -> None:
        """Record that a fog node sent its dW in a group, so it need not rehearse any more."""
        self.passed.pop(fog_node, None)

    def wanted(self, fog_node: int) -> int:
        """Return how many successful rehearsals in a row a fog node needs."""
        return len(self.failed[fog_node])

    def why(self, fog_node: int) -> str:
        """Return why a fog node is in no group, in words."""
        rounds = ", ".join(map(str, self.failed[fog_node]))
        word = "round" if self.wanted(fog_node) == 1 else "rounds"
        return f"in no masked group, because it failed in training in {word} {rounds}"
