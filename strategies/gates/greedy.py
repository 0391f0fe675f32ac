"""Loss-ranked greedy merging: judges each update by its effect on the merge."""

import dataclasses
import math

from strategies.gate import Decision, Trial
from strategies.gates._losses import finite_or_worst, not_worse


@dataclasses.dataclass(frozen=True)
class Greedy:
    """Starts from the best local model; the next best joins if the merge is not worse with it.

    Honest updates improve the merge although each alone may be worse than W, so an honest run does
    not stall. But once training is noisy, an update that leads back towards W also improves the
    merge, so a sign-flipped update is accepted then (see ``Trusted``).

    Attributes
    ----------
    tolerance : float
        Relative increase of the merge's loss that an update may cause. 0 rejects every update that
        does not help by itself, including honest ones under noise. Infinity is an open gate.
    examples : int
        Validation examples per trial; 0 takes all.
    """

    tolerance: float = 0.05
    examples: int = 500

    def judge(self, trial: Trial) -> list[Decision]:
        """Try the updates in order of their local models' loss (in sequence: in their order)."""
        order = list(range(len(trial)))
        if not trial.in_sequence:
            order.sort(key=lambda n: finite_or_worst(trial.evaluate([n], self.examples).loss))
        decisions: dict[int, Decision] = {}
        merged: list[int] = []
        reference = trial.evaluate(merged, self.examples)
        for number in order:
            candidate = trial.evaluate([*merged, number], self.examples)
            # The best update starts the merge without a comparison with W: see Alone.
            starts = not merged and not trial.in_sequence and math.isfinite(candidate.loss)
            accepted = starts or not_worse(candidate, reference, self.tolerance)
            decisions[number] = Decision(
                accepted,
                self._reason(accepted, starts),
                without=reference,
                with_update=candidate,
                examples=self.examples or trial.examples,
            )
            if accepted:
                merged, reference = [*merged, number], candidate
        return [decisions[number] for number in range(len(trial))]

    @staticmethod
    def _reason(accepted: bool, starts: bool) -> str:
        if starts:
            return "accepted: best local model"
        return "accepted: merge not worse" if accepted else "rejected: merge worse with it"
