"""Who of the fog nodes has failed in training, and may be in a masked group again."""

from collections.abc import Iterable


class Rehearsals:
    """Leaves a fog node out of masked groups after it has failed in training.

    A sum that one of its nodes did not send is lost, so a node that always fails would cost its
    group every round. It rehearses instead: it trains and sends no dW. After as many rehearsals in
    a row as it has failed in rounds of the run, it is in a group again. So one that always fails
    costs a group one round, and one that fails only where it counts costs less and less of them.

    Attributes
    ----------
    failed : dict of int to list of int
        Fog node to the rounds that its group lost by it.
    passed : dict of int to int
        Fog node to its rehearsals in a row, of those that rehearse.
    """

    def __init__(self) -> None:
        self.failed: dict[int, list[int]] = {}
        self.passed: dict[int, int] = {}

    def due(self, fog_nodes: Iterable[int]) -> list[int]:
        """Return those that would rehearse in the next round."""
        return [fog_node for fog_node in fog_nodes if fog_node in self.passed]

    def fail(self, fog_node: int, server_round: int) -> None:
        """Take down that a group lost its round by a fog node."""
        self.failed.setdefault(fog_node, []).append(server_round)
        self.passed[fog_node] = 0

    def fail_rehearsal(self, fog_node: int) -> None:
        """Take down that a fog node failed in a rehearsal: it begins again."""
        self.passed[fog_node] = 0

    def rehearse(self, fog_node: int) -> str:
        """Take down that a fog node has rehearsed, and return that in words."""
        self.passed[fog_node] += 1
        told = f"{self.why(fog_node)}; rehearsed {self.passed[fog_node]} of {self.wanted(fog_node)}"
        if self.passed[fog_node] >= self.wanted(fog_node):
            del self.passed[fog_node]
        return told

    def join(self, fog_node: int) -> None:
        """Take down that a fog node was in a group and sent its dW: it has shown that it can."""
        self.passed.pop(fog_node, None)

    def wanted(self, fog_node: int) -> int:
        """Return how many rehearsals in a row a fog node needs."""
        return len(self.failed[fog_node])

    def why(self, fog_node: int) -> str:
        """Return why a fog node is in no group, in words."""
        rounds = ", ".join(map(str, self.failed[fog_node]))
        word = "round" if self.wanted(fog_node) == 1 else "rounds"
        return f"in no masked group, because it failed in training in {word} {rounds}"
