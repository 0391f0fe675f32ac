"""What the slopes of the loss at W show about each update."""

import dataclasses
import functools
import math
from statistics import NormalDist

import numpy as np
import numpy.typing as npt

from strategies.gate import Slope, Trial, Vector
from strategies.gates._judged_merges import known_losses

Mask = npt.NDArray[np.bool_]
DOUBT = 1.0  # standard errors by which a slope must be below 0
LEAST = 1e-30  # length of an update below which float32 cannot stretch it to any other
LITTLE = 0.1  # largest cosine with the gradient that noise is assumed to have in a small model


@dataclasses.dataclass(frozen=True)
class Directions:
    """The updates of a round as directions from W.

    Attributes
    ----------
    trial : Trial
    at_w : Slope
        At W, with standard errors.
    error : float
        Probability of a wrong conclusion about any of the updates (one-sided).
    """

    trial: Trial
    at_w: Slope
    error: float

    @functools.cached_property
    def norms(self) -> Vector:
        """The length of each update [k]; 0 if it is below ``LEAST``."""
        norms = np.asarray(self.trial.norms, np.float64)
        return np.where(norms < LEAST, 0.0, norms)

    @functools.cached_property
    def own(self) -> Vector:
        """The merge of the cloud's own update alone [k]; zeros if there is none."""
        count, number = len(self.trial), self.trial.weighing.own
        return np.zeros(count) if number is None else np.eye(count)[number]

    @functools.cached_property
    def beyond_chance(self) -> Mask:
        """Along which updates the loss falls more than along noise of equal length [k]."""
        cosine = min(self._deviations / math.sqrt(self.at_w.dimensions), LITTLE)
        return (self.at_w.along < -cosine * self.at_w.steepest * self.norms) & (self.norms > 0.0)

    @functools.cached_property
    def downhill(self) -> Mask:
        """Which updates are shown to lead downhill [k]; the cloud's own always does."""
        downhill = self.beyond_chance & (self.at_w.along < -np.nan_to_num(DOUBT * self.at_w.errors))
        if self.trial.weighing.own is not None:
            downhill[self.trial.weighing.own] = True
        return downhill

    @functools.cached_property
    def uphill(self) -> Mask:
        """Which updates are shown to lead uphill [k]."""
        return self.at_w.along > self._deviations * np.nan_to_num(self.at_w.errors)

    @functools.cached_property
    def not_uphill(self) -> Mask:
        """Which updates are not shown to lead uphill [k]; none whose slope is not finite."""
        return self.at_w.along <= self._deviations * np.nan_to_num(self.at_w.errors)

    @functools.cached_property
    def known(self) -> Vector:
        """Fully recalibrated losses of W [examples], which measure what it can tell apart."""
        return known_losses(self.at_w.scores)

    @functools.cached_property
    def _deviations(self) -> float:
        """The significant number of standard errors, corrected for the number of updates."""
        return NormalDist().inv_cdf(1.0 - self.error / max(len(self.trial), 1))
