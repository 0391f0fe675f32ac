"""Validated merging (paper, section 3): the cloud judges every update before it merges."""

from collections.abc import Mapping, Sequence
from logging import INFO

import numpy as np
import numpy.typing as npt
from flwr.common import log
from flwr.serverapp.strategy import Strategy

from fog_flower.config import MEAN, SEQUENTIAL
from fog_flower.evaluation import Evaluation, Evaluator
from fog_flower.seeds import generator
from fog_flower.weights import add, all_finite
from strategies.merging import mean_step, sum_step
from strategies.policies import Decision, Greedy, Policy, Trial
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
    gate_images : int
        Images per trial merge, drawn anew in every round; 0 takes all.
    seed : int
        Draws them.
    fog_nodes, max_examples
        See ``UpdatesToWeights``.

    Examples
    --------
    >>> strategy = ValidatedMerge(FedAvg(), evaluator)  # doctest: +SKIP
    """

    keep_finite = True

    def __init__(
        self,
        strategy: Strategy,
        evaluator: Evaluator,
        policy: Policy | None = None,
        *,
        merge: str = MEAN,
        gate_images: int = 0,
        seed: int = 0,
        fog_nodes: Mapping[int, int] | None = None,
        max_examples: int | None = None,
    ) -> None:
        super().__init__(
            strategy,
            evaluator,
            fog_nodes=fog_nodes,
            scale_to_sum=merge != MEAN,
            max_examples=max_examples,
        )
        if gate_images < 0:
            raise ValueError(f"gate_images must be at least 0, not {gate_images}")
        self.validation = evaluator
        self.policy = policy or Greedy()
        self.merge = merge
        self.gate_images = gate_images
        self.seed = seed

    def judge(
        self, server_round: int, updates: list[Update], alone: list[Evaluation]
    ) -> list[Decision]:
        """Reject what is not finite, and ask the policy about the rest."""
        finite = [n for n, update in enumerate(updates) if all_finite(update.delta)]
        step = mean_step if self.merge == MEAN else sum_step
        images = self._gate_indices(server_round)

        def evaluate_merge(numbers: Sequence[int]) -> Evaluation:
            weights = self._weights
            if numbers:
                chosen = [updates[finite[number]] for number in sorted(numbers)]
                deltas = [update.delta for update in chosen]
                weights = add(weights, step(deltas, [update.num_examples for update in chosen]))
            return self.validation.evaluate(weights, images)

        trial = Trial([alone[n] for n in finite], evaluate_merge, self.merge == SEQUENTIAL)
        decisions = [Decision(False, "rejected: not finite") for _ in updates]
        for n, decision in zip(finite, self.policy.judge(trial) if finite else [], strict=True):
            decisions[n] = decision
        return decisions

    def _gate_indices(self, server_round: int) -> npt.NDArray[np.int64] | None:
        size = len(self.validation)
        if not 0 < self.gate_images < size:
            return None
        order = generator(self.seed, "gate", server_round).permutation(size)
        return np.sort(order[: self.gate_images])

    def summary(self) -> None:
        """Log the gate's settings and the wrapped strategy's."""
        log(
            INFO,
            "\t├──> Gate: %s, merge %s, %d validation images, %s per trial",
            self.policy,
            self.merge,
            len(self.validation),
            self.gate_images or "all",
        )
        super().summary()
