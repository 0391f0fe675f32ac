"""Loss and accuracy of weights on held-out images, and what can measure them."""

import dataclasses
import math
from typing import Protocol

import numpy as np
import numpy.typing as npt

from fog_flower.weights import Weights


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Mean categorical cross-entropy in nats, and the fraction of digits read correctly."""

    loss: float
    accuracy: float


UNKNOWN = Evaluation(math.nan, math.nan)


class Evaluator(Protocol):
    """Evaluates weights on a fixed set of images; see ``fog_flower.keras_evaluator``."""

    def __len__(self) -> int:
        """How many images there are."""
        ...

    def evaluate(
        self, weights: Weights, indices: npt.NDArray[np.int64] | None = None
    ) -> Evaluation:
        """Evaluate on all images, or on those at ``indices`` [k]."""
        ...
