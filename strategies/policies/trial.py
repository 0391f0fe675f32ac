"""What a policy may look at, and what it answers."""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Protocol

from fog_flower.evaluation import UNKNOWN, Evaluation


@dataclasses.dataclass(frozen=True)
class Decision:
    """Accepted or not, why, and the two evaluations that were compared."""

    accepted: bool
    reason: str
    without: Evaluation = UNKNOWN
    with_update: Evaluation = UNKNOWN


@dataclasses.dataclass(frozen=True)
class Trial:
    """The finite updates of a round, numbered 0 to k - 1, and what can be asked about them.

    Attributes
    ----------
    alone : k evaluations
        Of W + dW_i, the local models.
    evaluate_merge : callable
        Evaluates the merge of the updates with these numbers; of none of them, W itself.
        Costs one pass over the gate's images.
    in_sequence : bool
        The updates are merged one after the other in their order, each onto the W left by the
        one before (``merge=sequential``), so the order is not the policy's to choose.
    """

    alone: Sequence[Evaluation]
    evaluate_merge: Callable[[Sequence[int]], Evaluation]
    in_sequence: bool = False


class Policy(Protocol):
    """Judges the updates of one round; keeps no state, so that rounds can be repeated."""

    def judge(self, trial: Trial) -> list[Decision]:
        """Return one decision for each update, in the trial's order."""
        ...


def not_worse(candidate: Evaluation, reference: Evaluation, tolerance: float) -> bool:
    """Tell whether the candidate's loss is at most (1 + tolerance) times the reference's.

    A NaN candidate is never accepted.
    """
    return candidate.loss <= reference.loss * (1.0 + tolerance)
