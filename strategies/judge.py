"""Runs a gate on the updates of a round, with validation examples and trial merges."""

import dataclasses
import functools
import math
from collections.abc import Callable, Iterable, Sequence

from fog_flower.blas import one_blas_thread
from fog_flower.causes import in_user_code
from fog_flower.config import MEAN, SEQUENTIAL
from fog_flower.errors import UserError
from fog_flower.seeds import generator
from fog_flower.tasks.examples import Indices
from fog_flower.tasks.scores import Evaluator, ReferenceTrainer, Scores
from fog_flower.weights import Weights, all_finite, norm
from strategies.gate import Decision, Gate, Trial, Weighing
from strategies.gates._agreement import Agreement
from strategies.trial_merges import TrialMerges
from strategies.updates import OwnUpdates, Update


@dataclasses.dataclass(frozen=True)
class Judgement:
    """The decisions about the updates of a round.

    Attributes
    ----------
    decisions : list of Decision
        One for each fog node's update.
    own : Update or None
        The cloud's own update; None if it trains none, or its training diverged.
    own_decision : Decision or None
        The decision about ``own``.
    note : str
        Says if the cloud's training diverged, or the gate's weights are not used; otherwise empty.
    """

    decisions: list[Decision]
    own: Update | None = None
    own_decision: Decision | None = None
    note: str = ""

    def without_weights(self) -> "Judgement":
        """Return the judgement without the gate's weights, for strategies that set their own."""
        own = self.own_decision
        given = [one.weight for one in self.decisions if one.accepted]
        notes = [self.note] if self.note else []
        if any(map(math.isfinite, given)):
            notes.append("the strategy gives weights of its own: the gate's are not used")
        return dataclasses.replace(
            self,
            note="; ".join(notes),
            decisions=[dataclasses.replace(one, weight=math.nan) for one in self.decisions],
            own_decision=own and dataclasses.replace(own, weight=math.nan),
        )

    def accepted_of(self, updates: Sequence[Update]) -> tuple[list[Update], list[float] | None]:
        """Return the accepted updates, the cloud's own last, and their weights, or None."""
        judged = list(zip(updates, self.decisions, strict=True))
        if self.own and self.own_decision:
            judged.append((self.own, self.own_decision))
        joined = [(update, decision) for update, decision in judged if decision.accepted]
        weights = [decision.weight for _, decision in joined]
        weighted = bool(weights) and all(map(math.isfinite, weights))
        return [update for update, _ in joined], weights if weighted else None

    def own_weight(self, accepted: Sequence[Update], *, summed: bool) -> float:
        """Return the weight of the cloud's own update in the merge; NaN if there is none."""
        if self.own is None or self.own_decision is None:
            return math.nan
        if not self.own_decision.accepted:
            return 0.0
        if math.isfinite(self.own_decision.weight):
            return self.own_decision.weight
        total = sum(update.num_examples for update in accepted)
        return 1.0 if summed else self.own.num_examples / total


class Judge:
    """Runs a gate on the finite updates of a round.

    Trial merges are plain means or sums, because a stateful strategy cannot aggregate twice.

    Parameters
    ----------
    gate : Gate
        Decides which finite updates join. Updates that are not finite are refused before it.
    evaluator : Evaluator
        Holds the validation examples (10,000 in the paper), which only the cloud has.
    reference : ReferenceTrainer, optional
        Trains in the cloud, for gates that ask for trust.
    merge : str
        ``mean`` over nodes, weighted by examples; ``sum`` (W + each dW); ``sequential`` (the sum,
        but each update is judged against the W left by the one before, in order of fog nodes).
    seed : int
        Seeds the order of the validation examples, which is drawn anew in every round.
    trainer : OwnUpdates, optional
        Trains the cloud's own update, which the gate judges as one more.
    learning_rate : callable, optional
        Takes a round, returns the learning rate of the clients, for gates that try to train.
    batch_size : int
        Of the clients.
    """

    def __init__(
        self,
        gate: Gate,
        evaluator: Evaluator,
        reference: ReferenceTrainer | None = None,
        *,
        merge: str = MEAN,
        seed: int = 0,
        trainer: OwnUpdates | None = None,
        learning_rate: Callable[[int], float] | None = None,
        batch_size: int = 32,
    ) -> None:
        self.gate = gate
        self.evaluator = evaluator
        self.reference = reference
        self.merge = merge
        self.seed = seed
        self.trainer = trainer
        self.learning_rate = learning_rate
        self.batch_size = batch_size

    def judge(
        self,
        server_round: int,
        weights: Weights,
        updates: Sequence[Update],
        alone: Sequence[Scores | None] = (),
    ) -> Judgement:
        """Reject the updates that are not finite, and let the gate judge the others.

        Parameters
        ----------
        server_round : int
        weights : Weights
            W.
        updates : sequence of Update
        alone : sequence of Scores or None
            Scores of each local model on the first of this round's validation examples; None if
            unknown.
        """
        finite = [n for n, update in enumerate(updates) if all_finite(update.delta)]
        decisions = [Decision(False, "rejected: not finite") for _ in updates]
        own = self.trainer.update(weights, server_round) if self.trainer else None
        note = ""
        if own is not None and not all_finite(own.delta):
            own, note = None, "the cloud's own training diverged"
        asked = [*(updates[n] for n in finite), *([own] if own else [])]
        if not asked:
            return Judgement(decisions, note=note)
        known = [alone[n] for n in finite] if alone else []
        trial = self._trial(server_round, weights, asked, known, own=bool(own))
        with one_blas_thread():
            answers = self._decided(trial)
        for n, decision in zip(finite, answers, strict=False):
            decisions[n] = decision
        return Judgement(decisions, own, answers[-1] if own else None, note)

    def _decided(self, trial: Trial) -> list[Decision]:
        """Run the gate, which may be a user's own, and check the decisions that it returns."""
        what = f"gate {type(self.gate).__name__}: judge"
        with in_user_code(what):
            answers = self.gate.judge(trial)
            answers = list(answers) if isinstance(answers, Iterable) else answers
        remedy = "return a list of strategies.gate.Decision, one for each update"
        if not isinstance(answers, list):
            raise UserError(f"{what} returned {type(answers).__name__}; {remedy}")
        for answer in answers:
            if not isinstance(answer, Decision):
                raise UserError(f"{what} returned a list with a {type(answer).__name__}; {remedy}")
        if len(answers) != len(trial):
            raise UserError(
                f"{what} returned {len(answers)} decisions for {len(trial)} updates; {remedy}"
            )
        with in_user_code(f"{what}: a Decision is not (whether accepted, why, ...)"):
            decisions = [
                dataclasses.replace(
                    one,
                    accepted=bool(one.accepted),
                    reason=str(one.reason),
                    weight=float(one.weight),
                )
                for one in answers
            ]
        _check_weights(what, [one.weight for one in decisions if one.accepted])
        return decisions

    def describe(self) -> str:
        """Return the gate's settings in one line."""
        return f"{self.gate}, merge {self.merge}, {len(self.evaluator)} validation examples"

    def _trial(
        self,
        server_round: int,
        weights: Weights,
        updates: Sequence[Update],
        alone: Sequence[Scores | None],
        *,
        own: bool,
    ) -> Trial:
        order = order_of(self.seed, server_round, len(self.evaluator))
        merges = TrialMerges(self.evaluator, order, weights, updates, self.merge)
        rate = self.learning_rate(server_round) if self.learning_rate else 0.0
        reference = self.reference

        def trust() -> list[float]:
            assert reference is not None  # noqa: S101  (asked only where there is one)
            directions = reference.directions(weights, server_round)
            return Agreement(directions).trust(merges.steps.rows())

        return Trial(
            weighing=Weighing(
                merges.shares,
                merges.slope,
                merges.score,
                merges.groups,
                merges.steps.cosines,
                len(updates) - 1 if own else None,
                functools.partial(merges.train, rate, self.batch_size) if rate else None,
            ),
            norms=[norm(update.delta) for update in updates],
            score_merge=merges.plain,
            examples=len(order),
            trust=trust if reference else None,
            in_sequence=self.merge == SEQUENTIAL,
            alone=alone,
        )


def _check_weights(what: str, weights: Sequence[float]) -> None:
    """Raise if weights are negative or infinite, or only some are NaN (left to the strategy)."""
    odd = [weight for weight in weights if math.isinf(weight) or weight < 0.0]
    if odd:
        raise UserError(f"{what}: gave the weight {odd[0]:g}; give 0 or more, or none (NaN)")
    if 0 < sum(map(math.isnan, weights)) < len(weights):
        raise UserError(
            f"{what}: gave weights to some of the accepted updates and none to others; give all of "
            "them one, or none"
        )


def order_of(seed: int, server_round: int, examples: int) -> Indices:
    """Return this round's order of the validation examples."""
    return generator(seed, "gate", server_round).permutation(examples)
