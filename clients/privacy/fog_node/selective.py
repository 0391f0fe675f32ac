"""Selective upload (Shokri & Shmatikov 2015, doi:10.1145/2810103.2813687): part of dW."""

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
    """Uploads a fraction of dW's numbers; the others are zero, and cost next to no bytes.

    It is compression: which numbers are large tells of the data as well, so it promises nothing.
    (The authors' private variant has an epsilon for each number, which adds up to thousands.)

    Attributes
    ----------
    fraction : float
        Of the numbers, theta in the paper; 1 uploads all.
    clip : float
        Bound of each number's size, gamma in the paper; ``1e999`` bounds none.
    choose : str
        ``largest`` ones, or ``random`` ones.
    threshold : float
        Of ``random`` ones, only those whose size is at least this (tau).
    """

    fraction: float = 0.1
    clip: float = math.inf
    choose: str = LARGEST
    threshold: float = 0.0

    packs = True  # zeros are not sent

    def __post_init__(self) -> None:
        """Refuse what selects nothing."""
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
        """Promise nothing."""
        return Guarantee(
            f"selective upload of {self.fraction:g} of the numbers: compression",
            uncovered=("which numbers are sent tells of the data as well",),
        )

    def __call__(self, delta: Weights, context: FogContext) -> Weights:
        """Return dW with all numbers zero but those that are selected."""
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
