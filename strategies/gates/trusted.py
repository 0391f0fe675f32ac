"""The gate before ``learned``: what agrees with the cloud may do a little harm, the rest none."""

import dataclasses
from collections.abc import Sequence

from strategies.gate import Decision, Trial
from strategies.gates._paired_looks import Answer, SequentialTest

# Who may get in together with others where nobody did alone: those with at least this trust, if the
# merge of all of them is not shown to be worse by more than what is allowed at that other trust.
TOGETHER = ((0.5, 1.0), (0.0, 0.0), (-1.0, -0.2))
KNOWLEDGE = 0.25  # how much of what a merge knows full trust may cost
# Times the shortest update, and times W's loss alone: of 17,000 honest updates on IID and Dirichlet
# data none exceeded both. Amplified ones do, whatever their direction is.
LONG, RUINOUS = 4.0, 3.0


@dataclasses.dataclass(frozen=True)
class Trusted:
    """Builds the merge up from the update that the cloud trusts most.

    Trust (-1 to 1) is an update's agreement with the direction in which the cloud itself would
    train: 1 for the most agreeing one, 0 as far behind it as an honest node falls at most. A
    direction says nothing about how far to go: what is far longer than another update and ruins W
    alone is not taken, and the first is the most trusted one that is not, alone, clearly worse than
    another one alone. The next update joins unless the merge is shown to be worse with it than the
    best merge so far, by more than

        trust * min(tolerance * loss, a quarter of what that merge knows)

    in recalibrated loss. So what agrees may do a little harm, as honest updates do by chance, but
    not undo what little is known in early rounds; what leads elsewhere must help. Those left out
    get a second chance together, first the well trusted, then whoever is trusted at all, then
    everybody if that helps: nodes with examples of few classes balance each other.

    Nothing is assumed about how many are malicious: one honest update is enough, because it is the
    most trusted. W is no reference, because honest updates alone are worse than W; only a merge
    whose recalibrated loss is ``guard`` times W's is not taken. Replayed honest updates beside a
    single flipped one break it (``docs/gate.md``).

    Attributes
    ----------
    tolerance : float
        Relative increase of the loss that is forgiven at full trust.
    examples : int
        Of the first look at validation examples; each next look takes twice as many.
    error : float
        Chance with which an update on the edge is rejected.
    guard : float
        Infinity is none.
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
        """Try the updates in order of trust (in sequence: as they come)."""
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
        """Refuse what is never taken, whatever the others are."""
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
        """Return the number to begin with."""
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
        """Try ever more of those left out together with what is merged; return what is then.

        A node with many examples, or with examples of few classes, can outweigh the few that were
        there before it, so that each of the others looks bad by itself while all of them balance.
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
