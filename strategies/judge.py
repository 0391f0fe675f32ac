"""A gate with what it needs to judge by: validation examples, and trial merges."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fog_flower.config import MEAN, SEQUENTIAL
from fog_flower.seeds import generator
from fog_flower.tasks.examples import Indices
from fog_flower.tasks.scores import Evaluator, ReferenceTrainer, Scores
from fog_flower.weights import Weights, all_finite, flatten, norm, unflatten
from strategies.gate import Decision, Gate, Trial
from strategies.gates._agreement import Agreement
from strategies.merging import mean_shares, sum_shares
from strategies.updates import Update


class Judge:
    """Asks a gate about the finite updates of a round.

    Trial merges are plain ones (mean or sum), because a stateful strategy cannot be asked twice.

    Parameters
    ----------
    gate : Gate
        Which finite updates join. Non-finite ones are rejected before any gate sees them.
    evaluator : Evaluator
        Holds the validation examples (10,000 in the paper), which live only in the cloud.
    reference : ReferenceTrainer, optional
        Trains in the cloud, for gates that ask how far an update can be trusted.
    merge : str
        ``mean`` over nodes, weighted by examples; ``sum`` (W + each dW); ``sequential`` (the sum,
        but each update judged against the W left by the one before, by fog node).
    seed : int
        Draws the order of the validation examples, anew in every round.
    """

    def __init__(
        self,
        gate: Gate,
        evaluator: Evaluator,
        reference: ReferenceTrainer | None = None,
        *,
        merge: str = MEAN,
        seed: int = 0,
    ) -> None:
        self.gate = gate
        self.evaluator = evaluator
        self.reference = reference
        self.merge = merge
        self.seed = seed

    def judge(
        self,
        server_round: int,
        weights: Weights,
        updates: Sequence[Update],
        alone: Sequence[Scores] = (),
    ) -> list[Decision]:
        """Reject what is not finite, and ask the gate about the rest.

        Parameters
        ----------
        server_round : int
        weights : Weights
            W.
        updates : sequence of Update
        alone : sequence of Scores
            How each local model answers on the first of this round's validation examples, where
            that is known.
        """
        finite = [n for n, update in enumerate(updates) if all_finite(update.delta)]
        decisions = [Decision(False, "rejected: not finite") for _ in updates]
        if finite:
            known = [alone[n] for n in finite] if alone else []
            trial = self._trial(server_round, weights, [updates[n] for n in finite], known)
            for n, decision in zip(finite, self.gate.judge(trial), strict=True):
                decisions[n] = decision
        return decisions

    def describe(self) -> str:
        """Return the gate's settings in one line."""
        return f"{self.gate}, merge {self.merge}, {len(self.evaluator)} validation examples"

    def _trial(
        self,
        server_round: int,
        weights: Weights,
        updates: Sequence[Update],
        alone: Sequence[Scores],
    ) -> Trial:
        order = order_of(self.seed, server_round, len(self.evaluator))
        start = flatten(weights)
        deltas = np.stack([flatten(update.delta) for update in updates])
        examples = [update.num_examples for update in updates]
        shares = mean_shares if self.merge == MEAN else sum_shares
        reference = self.reference

        def score_merge(numbers: tuple[int, ...], first: int, stop: int) -> Scores:
            merged = start
            if numbers:
                chosen = list(numbers)
                merged = start + shares([examples[n] for n in chosen]) @ deltas[chosen]
            return self.evaluator.score(unflatten(merged, weights), order[first:stop])

        def trust() -> list[float]:
            assert reference is not None  # noqa: S101  (asked only where there is one)
            return Agreement(reference.directions(weights, server_round)).trust(deltas)

        def likeness() -> npt.NDArray[np.float64]:
            lengths = np.linalg.norm(deltas, axis=1, keepdims=True)
            units = np.divide(deltas, lengths, out=np.zeros_like(deltas), where=lengths > 0)
            cosines: npt.NDArray[np.float64] = (units @ units.T).astype(np.float64)
            return cosines

        return Trial(
            norms=[norm(update.delta) for update in updates],
            score_merge=score_merge,
            examples=len(order),
            trust=trust if reference else None,
            likeness=likeness,
            in_sequence=self.merge == SEQUENTIAL,
            alone=alone,
        )


def order_of(seed: int, server_round: int, examples: int) -> Indices:
    """Return this round's order of the validation examples."""
    return generator(seed, "gate", server_round).permutation(examples)
