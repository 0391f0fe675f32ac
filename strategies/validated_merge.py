"""Validated merging (paper, section 3): the cloud judges every update before it merges."""

from logging import INFO
from typing import Any

import numpy as np
import numpy.typing as npt
from flwr.common import log
from flwr.serverapp.strategy import Strategy

from fog_flower.config import MEAN, SEQUENTIAL
from fog_flower.evaluation import Evaluator, Indices, ReferenceTrainer, Scores
from fog_flower.weights import all_finite, flatten, norm, unflatten
from strategies.agreement import Agreement
from strategies.merging import mean_shares, sum_shares
from strategies.policies import Decision, Policy, Trial, Trusted
from strategies.update import Update
from strategies.updates_to_weights import UpdatesToWeights


class ValidatedMerge(UpdatesToWeights):
    """Wraps any Flower strategy with a gate that judges each dW on held-out images.

    A wrapper as Flower's own ``DifferentialPrivacyServerSideFixedClipping`` is: the wrapped
    strategy chooses clients and aggregates, and sees only what the gate accepted. Trial merges are
    plain ones (mean or sum), because a stateful strategy cannot be asked twice.

    Parameters
    ----------
    strategy : Strategy
        The strategy to wrap, FedAvg for the paper's merge.
    evaluator : Evaluator
        Holds the validation images (10,000 in the paper), which live only in the cloud.
    policy : Policy
        Which finite updates join. Non-finite ones are rejected before any policy sees them.
    merge : str
        ``mean`` over nodes, weighted by examples; ``sum`` (W + each dW); ``sequential`` (the sum,
        but each update judged against the W left by the one before, by fog node).
    reference : ReferenceTrainer, optional
        Trains in the cloud, for policies that ask how far an update can be trusted.
    options
        See ``UpdatesToWeights``.

    Examples
    --------
    >>> strategy = ValidatedMerge(FedAvg(), evaluator, reference=trainer)  # doctest: +SKIP
    """

    keep_finite = True

    def __init__(
        self,
        strategy: Strategy,
        evaluator: Evaluator,
        policy: Policy | None = None,
        *,
        reference: ReferenceTrainer | None = None,
        merge: str = MEAN,
        **options: Any,
    ) -> None:
        super().__init__(strategy, evaluator, scale_to_sum=merge != MEAN, **options)
        self.validation = evaluator
        self.policy = policy or Trusted()
        self.reference = reference
        self.merge = merge

    def judge(
        self, server_round: int, updates: list[Update], images: Indices, alone: list[Scores]
    ) -> list[Decision]:
        """Reject what is not finite, and ask the policy about the rest."""
        finite = [n for n, update in enumerate(updates) if all_finite(update.delta)]
        decisions = [Decision(False, "rejected: not finite") for _ in updates]
        if finite:
            trial = self._trial(
                server_round, images, [updates[n] for n in finite], [alone[n] for n in finite]
            )
            for n, decision in zip(finite, self.policy.judge(trial), strict=True):
                decisions[n] = decision
        return decisions

    def _trial(
        self, server_round: int, images: Indices, updates: list[Update], alone: list[Scores]
    ) -> Trial:
        start = flatten(self._weights)
        deltas = np.stack([flatten(update.delta) for update in updates])
        examples = [update.num_examples for update in updates]
        shares = mean_shares if self.merge == MEAN else sum_shares
        reference = self.reference

        def score_merge(numbers: tuple[int, ...], first: int, stop: int) -> Scores:
            merged = start
            if numbers:
                chosen = list(numbers)
                merged = start + shares([examples[n] for n in chosen]) @ deltas[chosen]
            weights = unflatten(merged, self._weights)
            return self.validation.score(weights, images[first:stop])

        def trust() -> list[float]:
            assert reference is not None  # noqa: S101  (asked only where there is one)
            directions = reference.directions(self._weights, server_round)
            return Agreement(directions).trust(deltas)

        def likeness() -> npt.NDArray[np.float64]:
            lengths = np.linalg.norm(deltas, axis=1, keepdims=True)
            units = np.divide(deltas, lengths, out=np.zeros_like(deltas), where=lengths > 0)
            cosines: npt.NDArray[np.float64] = (units @ units.T).astype(np.float64)
            return cosines

        return Trial(
            norms=[norm(update.delta) for update in updates],
            score_merge=score_merge,
            images=len(images),
            trust=trust if reference else None,
            likeness=likeness,
            in_sequence=self.merge == SEQUENTIAL,
            alone=alone,
        )

    def summary(self) -> None:
        """Log the gate's settings and the wrapped strategy's."""
        log(
            INFO,
            "\t├──> Gate: %s, merge %s, %d validation images",
            self.policy,
            self.merge,
            len(self.validation),
        )
        super().summary()
