"""Zeno's score: how much an update lowers the loss, minus a penalty for its length."""

import dataclasses

from strategies.gate import Decision, Trial
from strategies.gates._losses import finite_or_worst


@dataclasses.dataclass(frozen=True)
class Zeno:
    """Keeps the updates with the highest score L(W) - L(W + dW) - rho |dW|^2.

    Xie et al. 2019, arXiv:1805.10032. The number of updates to remove must be known. By default it
    is the largest minority.

    Attributes
    ----------
    rho : float
    removed : int or None
        Number of updates to reject, lowest scores first; None for the largest minority.
    examples : int
        Validation examples per trial; 0 takes all. The paper uses about a dozen.
    """

    rho: float = 0.0005
    removed: int | None = None
    examples: int = 500

    def judge(self, trial: Trial) -> list[Decision]:
        """Rank the updates by their score."""
        before = trial.evaluate([], self.examples)
        alone = [trial.evaluate([number], self.examples) for number in range(len(trial))]
        scores = [
            -finite_or_worst(after.loss - before.loss + self.rho * norm**2)
            for after, norm in zip(alone, trial.norms, strict=True)
        ]
        removed = (len(trial) - 1) // 2 if self.removed is None else self.removed
        ranked = sorted(range(len(trial)), key=lambda number: scores[number])
        rejected = set(ranked[:removed])
        return [
            Decision(
                number not in rejected,
                f"{'rejected' if number in rejected else 'accepted'}: score {scores[number]:.4f}",
                without=before,
                with_update=alone[number],
                examples=self.examples or trial.examples,
            )
            for number in range(len(trial))
        ]
