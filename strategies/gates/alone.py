"""The literal reading of "validates": compares each update alone with W, which stalls training."""

import dataclasses

from strategies.gate import Decision, Trial
from strategies.gates._losses import not_worse


@dataclasses.dataclass(frozen=True)
class Alone:
    """Accepts dW_i if W + dW_i is not worse than W on the validation examples.

    From about the third round on, **every honest local model is worse than W**, yet the merge of
    all of them is better. Then this gate rejects every update, and training stops. It is kept to
    show that. With ``merge=sequential``, each update is compared with the W left by the one before.

    Attributes
    ----------
    tolerance : float
        Relative increase of the loss that is still accepted; 0 is the literal rule.
    examples : int
        Validation examples per trial; 0 takes all.
    """

    tolerance: float = 0.0
    examples: int = 500

    def judge(self, trial: Trial) -> list[Decision]:
        """Compare each local model with W."""
        merged: list[int] = []
        reference = trial.evaluate(merged, self.examples)
        decisions = []
        for number in range(len(trial)):
            candidate = trial.evaluate([*merged, number], self.examples)
            accepted = not_worse(candidate, reference, self.tolerance)
            decisions.append(
                Decision(
                    accepted,
                    "accepted: not worse than W" if accepted else "rejected: worse than W",
                    without=reference,
                    with_update=candidate,
                    examples=self.examples or trial.examples,
                )
            )
            if accepted and trial.in_sequence:
                merged, reference = [*merged, number], candidate
        return decisions
