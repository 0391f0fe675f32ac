"""Loss-ranked greedy merging: an update is judged by what it does to the merge."""

import dataclasses
import math
from collections.abc import Callable

from strategies.policies.trial import Decision, Trial, not_worse


@dataclasses.dataclass(frozen=True)
class Greedy:
    """Starts from the best local model; the next best joins if the merge is not worse with it.

    Honest updates improve the merge although each of them alone may be worse than W, so an honest
    run does not stall; and a single honest node among many malicious ones is enough, because the
    order is by validation loss. No number of malicious nodes needs to be known.

    Attributes
    ----------
    tolerance : float
        Relative increase of the merge's loss that an update may cause. 0 rejects whatever does
        not help by itself, honest updates under noise included; infinity is an open gate.
    """

    tolerance: float = 0.1

    def judge(self, trial: Trial) -> list[Decision]:
        """Try the updates in order of their local models' loss (in sequence: as they come)."""
        numbers = range(len(trial.alone))
        order = list(numbers) if trial.in_sequence else sorted(numbers, key=self._rank(trial))
        decisions: dict[int, Decision] = {}
        merged: list[int] = []
        reference = trial.evaluate_merge(merged)
        for number in order:
            candidate = trial.evaluate_merge([*merged, number])
            # Against W itself no update is judged: see Alone. The best of them starts the merge.
            starts = not merged and not trial.in_sequence and math.isfinite(candidate.loss)
            accepted = starts or not_worse(candidate, reference, self.tolerance)
            decisions[number] = Decision(
                accepted,
                self._reason(accepted, starts),
                without=reference,
                with_update=candidate,
            )
            if accepted:
                merged, reference = [*merged, number], candidate
        return [decisions[number] for number in numbers]

    @staticmethod
    def _rank(trial: Trial) -> Callable[[int], float]:
        return lambda n: trial.alone[n].loss if math.isfinite(trial.alone[n].loss) else math.inf

    @staticmethod
    def _reason(accepted: bool, starts: bool) -> str:
        if starts:
            return "accepted: best local model"
        return "accepted: merge not worse" if accepted else "rejected: merge worse with it"
