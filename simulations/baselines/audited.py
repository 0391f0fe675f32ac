"""The default gate, with a second opinion: what it would have decided on all images at once."""

import dataclasses

from strategies.policies.paired_looks import SequentialTest
from strategies.policies.trial import Decision, Trial
from strategies.policies.trusted import Trusted

AGREES, DIFFERS = "; all images say the same", "; all images say otherwise"


@dataclasses.dataclass(frozen=True)
class Audited:
    """Decides as ``Trusted`` does, and adds to each reason whether a full evaluation agrees.

    To measure what deciding on few images costs in right decisions; it takes the time of both.
    """

    gate: Trusted

    def judge(self, trial: Trial) -> list[Decision]:
        """Judge twice, and act on the first."""
        every = SequentialTest(first_look=0, error=self.gate.test.error)
        full = dataclasses.replace(self.gate, test=every)
        decisions = self.gate.judge(trial)
        return [
            dataclasses.replace(
                ours,
                reason=ours.reason + (AGREES if ours.accepted == theirs.accepted else DIFFERS),
            )
            for ours, theirs in zip(decisions, full.judge(trial), strict=True)
        ]
