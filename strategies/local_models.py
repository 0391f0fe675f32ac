"""Scores local models, W + dW, on validation examples: the paper's metric is their mean."""

import dataclasses
from collections.abc import Sequence

from fog_flower.seeds import generator
from fog_flower.tasks.scores import Evaluator, Scores
from fog_flower.weights import Weights, add
from strategies.judge import order_of
from strategies.updates import Update

MOST = 10  # local models per round: recording their mean must not cost more than training


@dataclasses.dataclass(frozen=True)
class LocalModels:
    """Scores local models for the records: all, or ten drawn anew in every round.

    Attributes
    ----------
    evaluator : Evaluator
        Evaluates on the validation examples.
    examples : int
        Number of validation examples, drawn anew in every round. 0 takes all examples, and all
        local models.
    last_round : int or None
        The round in which all examples are used, so that the final figure is precise.
    seed : int
        Seeds the draw of the examples, and of the fog nodes if there are more than ten.
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
        """Score each W + dW on the first examples of this round's order; None if not drawn."""
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
