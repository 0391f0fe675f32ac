"""Cheap screens, which look at the updates alone or at a direction, and at no image."""

import dataclasses
import math
import statistics

from strategies.policies.trial import Decision, Trial


@dataclasses.dataclass(frozen=True)
class NormScreen:
    """Rejects an update that is much longer or shorter than the median one.

    After the norm bounding of Sun et al. 2019 (arXiv:1911.07963), which clips instead. Half of
    the nodes must be honest, and an attacker who knows the length stays within it.

    Attributes
    ----------
    factor : float
        From median / factor to median * factor passes.
    """

    factor: float = 3.0

    def judge(self, trial: Trial) -> list[Decision]:
        """Compare each norm with the median."""
        median = statistics.median(trial.norms)
        low, high = median / self.factor, median * self.factor
        return [
            Decision(True, "accepted: of usual length")
            if low <= norm <= high
            else Decision(False, f"rejected: norm {norm:.3g} against a median of {median:.3g}")
            for norm in trial.norms
        ]


@dataclasses.dataclass(frozen=True)
class CosineScreen:
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
