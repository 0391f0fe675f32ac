"""Loss-ranked greedy merging: an update is judged by what it does to the merge."""

import dataclasses
import math

from simulations.baselines.comparing import finite_or_worst, not_worse
from strategies.policies.trial import Decision, Trial


@dataclasses.dataclass(frozen=True)
class Greedy:
    """Starts from the best local model; the next best joins if the merge is not worse with it.

    Honest updates improve the merge although each of them alone may be worse than W, so an honest
    run does not stall. What leads back towards W improves a merge as well, once training is noisy:
    a sign-flipped update gets in then (see ``Trusted``).

    Attributes
    ----------
    tolerance : float
        Relative increase of the merge's loss that an update may cause. 0 rejects whatever does
        not help by itself, honest updates under noise included; infinity is an open gate.
    images : int
        Validation images per trial; 0 takes all.
    """

    tolerance: float = 0.1
    images: int = 0

    def judge(self, trial: Trial) -> list[Decision]:
        """Try the updates in order of their local models' loss (in sequence: as they come)."""
        order = list(range(len(trial)))
        if not trial.in_sequence:
            order.sort(key=lambda n: finite_or_worst(trial.evaluate([n], self.images).loss))
        decisions: dict[int, Decision] = {}
        merged: list[int] = []
        reference = trial.evaluate(merged, self.images)
        for number in order:
            candidate = trial.evaluate([*merged, number], self.images)
            # Against W itself no update is judged: see Alone. The best of them starts the merge.
            starts = not merged and not trial.in_sequence and math.isfinite(candidate.loss)
            accepted = starts or not_worse(candidate, reference, self.tolerance)
            decisions[number] = Decision(
                accepted,
                self._reason(accepted, starts),
                without=reference,
                with_update=candidate,
                images=self.images or trial.images,
            )
            if accepted:
                merged, reference = [*merged, number], candidate
        return [decisions[number] for number in range(len(trial))]

    @staticmethod
    def _reason(accepted: bool, starts: bool) -> str:
        if starts:
            return "accepted: best local model"
        return "accepted: merge not worse" if accepted else "rejected: merge worse with it"
