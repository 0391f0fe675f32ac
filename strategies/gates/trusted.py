"""The gate before ``learned``: updates that agree with the cloud may do a little harm."""

import dataclasses
from collections.abc import Sequence

from strategies.gate import Decision, Trial
from strategies.gates._paired_looks import Answer, SequentialTest

# Second chances. All updates with at least the first trust join together, if the merge of them is
# not shown to be worse by more than an update with the second trust may be.
TOGETHER = ((0.5, 1.0), (0.0, 0.0), (-1.0, -0.2))
KNOWLEDGE = 0.25  # the fraction of what a merge knows that an update of full trust may cost
# Largest length in lengths of the shortest update, and largest loss of the update alone in losses
# of W. Of 17,000 honest updates on IID and Dirichlet data none exceeded both; amplified ones do.
LONG, RUINOUS = 4.0, 3.0


@dataclasses.dataclass(frozen=True)
class Trusted:
    """Builds the merge step by step, starting from the update that the cloud trusts most.

    Trust (-1 to 1) is an update's agreement with the direction in which the cloud itself would
    train: 1 for the most agreeing update, 0 as far behind it as an honest node falls at most. A
    direction does not say how far to go. So an update that is far longer than another one and ruins
    W alone is refused, and the first update is the most trusted one that is not, alone, clearly
    worse than the best one alone. Each next update joins unless the merge with it is shown to be
    worse than the best merge so far, by more than

        trust * min(tolerance * loss, a quarter of what that merge knows)

    in recalibrated loss. So an update that agrees may do a little harm, as honest updates do by
    chance, but cannot undo the little that is known in early rounds. An update that disagrees must
    help. Those left out get a second chance together, because nodes with examples of few classes
    balance each other: first the well trusted, then all with trust of at least 0, then all if that
    helps.

    The number of malicious nodes need not be known: one honest update is enough, because it is the
    most trusted. W is no reference, because honest updates alone are worse than W. A merge is
    refused only if its recalibrated loss is more than ``guard`` times W's. Replayed honest updates
    beside a single flipped one break this gate (``docs/gate.md``).

    Attributes
    ----------
    tolerance : float
        Relative increase of the loss that is allowed at full trust.
    examples : int
        Number of validation examples of the first look; each next look takes twice as many.
    error : float
        Probability of rejecting an update that does exactly as much harm as allowed.
    guard : float
        Largest loss of the merge in units of W's loss; infinity turns the check off.
    """

    tolerance: float = 0.05
    examples: int = 500
    error: float = 0.01
    guard: float = 1.3

    @property
    def test(self) -> SequentialTest:
        """The test that compares two merges."""
        return SequentialTest(self.examples, self.error)

    def judge(self, trial: Trial) -> list[Decision]:
        """Try the updates in order of trust (in sequence: in their order)."""
        trust = trial.trust()
        decisions = self._unfit(trial, trust)
        fit = [number for number in range(len(trial)) if number not in decisions]
        order = fit if trial.in_sequence else sorted(fit, key=lambda n: -trust[n])
        merged: tuple[int, ...] = ()
        if fit and not trial.in_sequence:
            first = self._first(trial, trust, order)
            agrees = max(trust) > 0.0
            reason = "accepted: most trusted" if agrees else "accepted: none agrees, the first"
            decisions[first] = Decision(True, reason, trust=trust[first])
            merged = (first,)
        best = merged
        for number in order:
            if number in merged:
                continue
            candidate = tuple(sorted((*merged, number)))
            answer = self.test.is_worse(trial, best, candidate, *self._allowed(trust[number]))
            decisions[number] = self._decide(answer, trust[number])
            if not answer.worse:
                merged = candidate
                if answer.improves:
                    best = candidate
        if not trial.in_sequence:
            merged = self._second_chances(trial, trust, fit, decisions, merged, best)
        numbers = range(len(trial))
        if merged and self._too_bad(trial, merged):
            return [self._refuse(decisions[number]) for number in numbers]
        return [decisions[number] for number in numbers]

    def _unfit(self, trial: Trial, trust: Sequence[float]) -> dict[int, Decision]:
        """Reject updates that are zero, give NaN, or are too long and ruin W alone."""
        look = self.test.looks(trial.examples)[0]
        shortest = min((norm for norm in trial.norms if norm), default=0.0)
        ruin = RUINOUS * trial.evaluate((), look).loss
        reasons = {}
        for number, norm in enumerate(trial.norms):
            if not norm:
                reasons[number] = "rejected: zero, contributes nothing"
            elif not trial.scores((number,), look).finite:
                reasons[number] = "rejected: W with it answers with NaN"
            elif norm > LONG * shortest and trial.evaluate((number,), look).loss > ruin:
                reasons[number] = "rejected: far longer than another one, and ruins W"
        return {n: Decision(False, reason, trust=trust[n]) for n, reason in reasons.items()}

    def _first(self, trial: Trial, trust: Sequence[float], order: Sequence[int]) -> int:
        """Return the number of the update that starts the merge."""
        look = self.test.looks(trial.examples)[0]
        best = min(order, key=lambda n: float(trial.losses((n,), look).mean()))
        for number in order:
            allowed = self._allowed(trust[number])
            if not self.test.is_worse(trial, (best,), (number,), *allowed, at_once=True).worse:
                return number
        return best

    def _allowed(self, trust: float) -> tuple[float, float]:
        return self.tolerance * trust, KNOWLEDGE * trust

    def _second_chances(
        self,
        trial: Trial,
        trust: Sequence[float],
        fit: Sequence[int],
        decisions: dict[int, Decision],
        merged: tuple[int, ...],
        best: tuple[int, ...],
    ) -> tuple[int, ...]:
        """Try groups of the updates left out together with the merge; return the resulting merge.

        A node with many examples, or with examples of few classes, can outweigh the few updates
        merged before it. Then each other update looks bad by itself, although all together balance.
        """
        for least, allowed in TOGETHER:
            more = tuple(sorted({n for n in fit if trust[n] >= least} | set(merged)))
            if len(more) == len(merged):
                continue
            answer = self.test.is_worse(trial, best, more, *self._allowed(allowed))
            if answer.worse:
                continue
            for number in set(more) - set(merged):
                decided = self._decide(answer, trust[number])
                decisions[number] = dataclasses.replace(
                    decided, reason="accepted: merge not worse with all trusted"
                )
            merged, best = more, more if answer.improves else best
        return merged

    @staticmethod
    def _decide(answer: Answer, trust: float) -> Decision:
        return Decision(
            not answer.worse,
            "rejected: merge worse with it" if answer.worse else "accepted: merge not worse",
            without=answer.without,
            with_update=answer.with_update,
            examples=answer.examples,
            trust=trust,
        )

    def _too_bad(self, trial: Trial, merged: tuple[int, ...]) -> bool:
        examples = self.test.looks(trial.examples)[0]
        before, after = (float(trial.losses(numbers, examples).mean()) for numbers in ((), merged))
        return after > self.guard * before

    def _refuse(self, decision: Decision) -> Decision:
        if not decision.accepted:
            return decision
        return dataclasses.replace(
            decision,
            accepted=False,
            reason=f"rejected: the merge's loss is more than {self.guard:g} times W's",
        )
