"""Leave-one-out contribution: what the merge of all would be without one."""

import dataclasses

from strategies.gate import Decision, Trial
from strategies.gates._losses import not_worse


@dataclasses.dataclass(frozen=True)
class LeaveOneOut:
    """Rejects an update if the merge of all is worse with it than without it.

    Contribution as data valuation has it (Koh and Liang 2017; Ghorbani and Zou 2019). It needs
    most updates to be honest: where many are not, leaving out one of them changes little.

    Attributes
    ----------
    tolerance : float
        Relative increase of the loss that an update may cause.
    examples : int
        Validation examples per trial; 0 takes all.
    """

    tolerance: float = 0.05
    examples: int = 500

    def judge(self, trial: Trial) -> list[Decision]:
        """Compare the merge of all with that of all others."""
        everyone = range(len(trial))
        merged = trial.evaluate(everyone, self.examples)
        decisions = []
        for number in everyone:
            without = trial.evaluate([n for n in everyone if n != number], self.examples)
            accepted = not_worse(merged, without, self.tolerance)
            decisions.append(
                Decision(
                    accepted,
                    "accepted: contributes" if accepted else "rejected: better without it",
                    without=without,
                    with_update=merged,
                    examples=self.examples or trial.examples,
                )
            )
        return decisions
