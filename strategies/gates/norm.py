"""A cheap screen that looks at the lengths of updates alone, and at no example."""

import dataclasses
import statistics

from strategies.gate import Decision, Trial


@dataclasses.dataclass(frozen=True)
class Norm:
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
