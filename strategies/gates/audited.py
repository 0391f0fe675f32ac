"""The default gate, with a second opinion: what it would have decided on all examples at once."""

import dataclasses

from strategies.gate import Decision, Trial
from strategies.gates.trusted import Trusted

# Ends of a reason; records of older versions say "all images" before them.
AGREES, DIFFERS = " say the same", " say otherwise"


class Audited:
    """Decides as ``Trusted`` does, and adds to each reason whether a full evaluation agrees.

    To measure what deciding on few examples costs in right decisions; it takes the time of both.

    Parameters
    ----------
    options
        Of ``Trusted``.
    """

    def __init__(self, **options: float) -> None:
        self.gate = Trusted(**options)  # type: ignore[arg-type]

    def judge(self, trial: Trial) -> list[Decision]:
        """Judge twice, and act on the first."""
        full = dataclasses.replace(self.gate, examples=0)
        decisions = self.gate.judge(trial)
        return [
            dataclasses.replace(
                ours,
                reason=f"{ours.reason}; all examples"
                + (AGREES if ours.accepted == theirs.accepted else DIFFERS),
            )
            for ours, theirs in zip(decisions, full.judge(trial), strict=True)
        ]
