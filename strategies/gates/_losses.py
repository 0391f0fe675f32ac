"""Loss comparisons that the simpler gates share."""

import math

import numpy as np

from fog_flower.tasks.scores import Evaluation


def not_worse(candidate: Evaluation, reference: Evaluation, tolerance: float) -> bool:
    """Check whether the candidate's loss is at most (1 + tolerance) times the reference's.

    A NaN candidate is never accepted.
    """
    return candidate.loss <= reference.loss * (1.0 + tolerance)


def finite_or_worst(value: float) -> float:
    """Return a sort key for losses that puts those that are not finite last."""
    return value if np.isfinite(value) else math.inf
