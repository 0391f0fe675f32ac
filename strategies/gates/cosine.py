"""A cheap screen that looks at a direction alone, and at no example."""

import dataclasses
import math

from strategies.gate import Decision, Trial


@dataclasses.dataclass(frozen=True)
class Cosine:
    """Rejects an update that leads away from where the cloud itself would train.

    The root of trust of FLTrust (Cao et al. 2021, arXiv:2012.13995) as a yes or no.

    Attributes
    ----------
    least : float
        Trust from which on an update passes; at 0 it must not lead away.
    """

    least: float = 0.0

    def judge(self, trial: Trial) -> list[Decision]:
        """Compare each update's trust with the least one."""
        return [
            Decision(
                trust > self.least and not math.isnan(trust),
                f"{'accepted' if trust > self.least else 'rejected'}: trust {trust:.2f}",
                trust=trust,
            )
            for trust in trial.trust()
        ]
