"""Loss and accuracy of weights on held-out images, and what can measure them."""

import dataclasses
import math
from typing import Protocol

import numpy as np
import numpy.typing as npt

from fog_flower.weights import Weights

Indices = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Mean categorical cross-entropy in nats, and the fraction of digits read correctly."""

    loss: float
    accuracy: float


UNKNOWN = Evaluation(math.nan, math.nan)


@dataclasses.dataclass(frozen=True)
class Scores:
    """What weights answer on each of k images, so that two models can be compared image by image.

    Attributes
    ----------
    log_probabilities : float32 [k, classes]
    labels : int64 [k]
        The right answers.
    """

    log_probabilities: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]

    @property
    def losses(self) -> npt.NDArray[np.float64]:
        """Cross-entropy of each image [k], in nats."""
        rows = np.arange(len(self.labels))
        return -self.log_probabilities[rows, self.labels].astype(np.float64)

    @property
    def finite(self) -> bool:
        """Whether the weights answer with numbers; enormous ones do not."""
        return bool(np.isfinite(self.log_probabilities).all())

    def mean(self) -> Evaluation:
        """Return loss and accuracy over these images."""
        correct = self.log_probabilities.argmax(axis=1) == self.labels
        return Evaluation(float(self.losses.mean()), float(correct.mean()))

    def first(self, count: int) -> "Scores":
        """Return the scores of the first ``count`` images."""
        return Scores(self.log_probabilities[:count], self.labels[:count])

    def then(self, more: "Scores") -> "Scores":
        """Return these scores with those of more images behind them."""
        return Scores(
            np.concatenate([self.log_probabilities, more.log_probabilities]),
            np.concatenate([self.labels, more.labels]),
        )


class Evaluator(Protocol):
    """Evaluates weights on a fixed set of images; see ``fog_flower.keras_evaluator``."""

    def __len__(self) -> int:
        """How many images there are."""
        ...

    def score(self, weights: Weights, indices: Indices | None = None) -> Scores:
        """Score each of all images, or of those at ``indices`` [k], in their order."""
        ...


@dataclasses.dataclass(frozen=True)
class Directions:
    """Where a little honest training leads from W; see ``fog_flower.reference_trainer``.

    Attributes
    ----------
    overall : Weights
        dW of training on images of all digits.
    labels : Weights
        Steepest descent from W of what only the labels tell: cross-entropy with the labels less
        that with the digits' frequencies.
    by_class : list of Weights
        dW of training on images of one digit alone, for each digit.
    """

    overall: Weights
    labels: Weights
    by_class: list[Weights]


class ReferenceTrainer(Protocol):
    """Trains in the cloud, on validation images: a direction to compare updates with.

    What it returns is never merged.
    """

    def directions(self, weights: Weights, server_round: int) -> Directions:
        """Train a little from W, in all and by digit."""
        ...
