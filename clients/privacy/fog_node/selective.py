"""Selective upload of a part of dW (Shokri & Shmatikov 2015, doi:10.1145/2810103.2813687)."""

import dataclasses
import math

import numpy as np

from clients.privacy._fog_context import FogContext
from fog_flower.config import RunConfig
from fog_flower.errors import UserError
from fog_flower.privacy.guarantee import Guarantee
from fog_flower.weights import Weights, flatten, unflatten

LARGEST, RANDOM = "largest", "random"


@dataclasses.dataclass(frozen=True)
class Selective:
    """Uploads a fraction of the numbers of dW; the others are 0, and take almost no bytes.

    It is compression without a guarantee: which numbers are large also depends on the data. (The
    private variant of the paper has an epsilon for each number, which adds up to thousands.)

    Attributes
    ----------
    fraction : float
        Fraction of the numbers to upload, theta in the paper; 1 uploads all.
    clip : float
        Bound of the absolute value of each number, gamma in the paper; ``1e999`` does not bound.
    choose : str
        Upload the ``largest`` numbers by absolute value, or ``random`` ones.
    threshold : float
        With ``random``, only numbers with at least this absolute value (tau in the paper).
    """

    fraction: float = 0.1
    clip: float = math.inf
    choose: str = LARGEST
    threshold: float = 0.0

    packs = True  # zeros are not sent

    def __post_init__(self) -> None:
        """Raise if an argument is out of range."""
        what = "fog-protection=selective"
        if not 0.0 < self.fraction <= 1.0:
            raise UserError(f"{what}: fraction={self.fraction!r} must be above 0 and at most 1")
        if not self.clip > 0.0:
            raise UserError(f"{what}: clip={self.clip!r} must be positive; 1e999 bounds none")
        if self.choose not in (LARGEST, RANDOM):
            raise UserError(f"{what}: choose={self.choose!r} must be '{LARGEST}' or '{RANDOM}'")
        if self.threshold < 0.0 or (self.threshold and self.choose == LARGEST):
            raise UserError(
                f"{what}: threshold={self.threshold!r} is for choose='{RANDOM}', and at least 0"
            )

    def guarantee(self, config: RunConfig) -> Guarantee:  # noqa: ARG002  (the same in each)
        """Return a guarantee of nothing."""
        return Guarantee(
            f"selective upload of {self.fraction:g} of the numbers: compression",
            uncovered=("which numbers are sent tells of the data as well",),
        )

    def __call__(self, delta: Weights, context: FogContext) -> Weights:
        """Return dW with all numbers set to 0 except the selected ones."""
        vector = flatten(delta)
        wanted = max(1, round(self.fraction * len(vector)))
        if self.choose == LARGEST:
            order = np.argpartition(np.abs(vector), len(vector) - wanted)
            chosen = order[len(vector) - wanted :]
        else:
            able = np.flatnonzero(np.abs(vector) >= self.threshold)
            chosen = context.rng("selective").permutation(able)[:wanted]
        kept = np.zeros_like(vector)
        kept[chosen] = np.clip(vector[chosen], -self.clip, self.clip)
        return unflatten(kept, delta)
