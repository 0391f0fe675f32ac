"""Each node's own model, W + dW, on validation examples: the paper's metric is their mean."""

import dataclasses
from collections.abc import Sequence

from fog_flower.tasks.scores import Evaluator, Scores
from fog_flower.weights import Weights, add
from strategies.judge import order_of
from strategies.updates import Update


@dataclasses.dataclass(frozen=True)
class LocalModels:
    """Scores local models, for the records.

    Attributes
    ----------
    evaluator : Evaluator
        Of the validation examples.
    examples : int
        How many that takes, drawn anew in every round; 0 takes all.
    last_round : int or None
        In this round it takes all, so that the final figure is exact.
    seed : int
        Draws the examples.
    """

    evaluator: Evaluator
    examples: int = 0
    last_round: int | None = None
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("examples", "seed"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must be at least 0, not {getattr(self, name)}")

    def score(self, server_round: int, weights: Weights, updates: Sequence[Update]) -> list[Scores]:
        """Score each W + dW on the first examples of this round's order."""
        order = order_of(self.seed, server_round, len(self.evaluator))
        some = self.examples if server_round != self.last_round else 0
        chosen = order[: some or None]
        return [self.evaluator.score(add(weights, update.delta), chosen) for update in updates]
