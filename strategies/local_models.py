"""Nodes' own models, W + dW, on validation examples: the paper's metric is their mean."""

import dataclasses
from collections.abc import Sequence

from fog_flower.seeds import generator
from fog_flower.tasks.scores import Evaluator, Scores
from fog_flower.weights import Weights, add
from strategies.judge import order_of
from strategies.updates import Update

MOST = 10  # local models a round: their mean is a record, and must not cost more than training


@dataclasses.dataclass(frozen=True)
class LocalModels:
    """Scores local models, for the records: of all fog nodes, or of ten drawn anew in every round.

    Attributes
    ----------
    evaluator : Evaluator
        Of the validation examples.
    examples : int
        How many that takes, drawn anew in every round; 0 takes all, for every local model.
    last_round : int or None
        In this round it takes all, so that the final figure is exact.
    seed : int
        Draws the examples, and the fog nodes where there are more than ten.
    """

    evaluator: Evaluator
    examples: int = 0
    last_round: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("examples", "seed"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be at least 0, not {getattr(self, name)}")

    def score(
        self, server_round: int, weights: Weights, updates: Sequence[Update]
    ) -> list[Scores | None]:
        """Score each W + dW on the first examples of this round's order; None: it was not drawn."""
        order = order_of(self.seed, server_round, len(self.evaluator))
        some = self.examples if server_round != self.last_round else 0
        chosen = order[: some or None]
        drawn = self._drawn(server_round, len(updates))
        return [
            self.evaluator.score(add(weights, update.delta), chosen) if number in drawn else None
            for number, update in enumerate(updates)
        ]

    def _drawn(self, server_round: int, count: int) -> set[int]:
        if not self.examples or count <= MOST:
            return set(range(count))
        rng = generator(self.seed, "local models", server_round)
        return set(rng.choice(count, MOST, replace=False).tolist())
