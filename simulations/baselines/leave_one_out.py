"""Leave-one-out contribution: what the merge of all would be without one."""

import dataclasses

from simulations.baselines.comparing import not_worse
from strategies.policies.trial import Decision, Trial


@dataclasses.dataclass(frozen=True)
class LeaveOneOut:
    """Rejects an update if the merge of all is worse with it than without it.

    Contribution as data valuation has it (Koh and Liang 2017; Ghorbani and Zou 2019). It needs
    most updates to be honest: where many are not, leaving out one of them changes little.

    Attributes
    ----------
    tolerance : float
        Relative increase of the loss that an update may cause.
    images : int
        Validation images per trial; 0 takes all.
    """

    tolerance: float = 0.0
    images: int = 0

    def judge(self, trial: Trial) -> list[Decision]:
        """Compare the merge of all with that of all others."""
        everyone = range(len(trial))
        merged = trial.evaluate(everyone, self.images)
        decisions = []
        for number in everyone:
            without = trial.evaluate([n for n in everyone if n != number], self.images)
            accepted = not_worse(merged, without, self.tolerance)
            decisions.append(
                Decision(
                    accepted,
                    "accepted: contributes" if accepted else "rejected: better without it",
                    without=without,
                    with_update=merged,
                    images=self.images or trial.images,
                )
            )
        return decisions
