"""Scores of weights on held-out examples, and the protocols of evaluators and trainers."""

import dataclasses
import math
from abc import ABC, abstractmethod
from typing import Protocol, Self

import numpy as np
import numpy.typing as npt

from fog_flower.tasks.examples import Indices
from fog_flower.weights import Weights


@dataclasses.dataclass(frozen=True)
class Evaluation:
    """Mean loss, and the fraction of correct outputs (for regression: within tolerance)."""

    loss: float
    accuracy: float


UNKNOWN = Evaluation(math.nan, math.nan)


class Scores(ABC):
    """Scores of weights on each of k examples, to compare models example by example."""

    @property
    @abstractmethod
    def losses(self) -> npt.NDArray[np.float64]:
        """Loss of each example [k]."""

    @property
    @abstractmethod
    def right(self) -> npt.NDArray[np.bool_]:
        """Whether the output for each example is correct [k]."""

    @property
    @abstractmethod
    def finite(self) -> bool:
        """Whether all outputs are finite; those of enormous weights are not."""

    @property
    @abstractmethod
    def chance(self) -> float:
        """Loss of the best output that ignores the inputs: of a model that knows nothing."""

    @property
    def groups(self) -> Indices:
        """The group (class) of each example [k]; all 0 if a task has no groups."""
        return np.zeros(len(self), np.int64)

    @abstractmethod
    def first(self, count: int) -> Self:
        """Return the scores of the first ``count`` examples."""

    @abstractmethod
    def then(self, more: Self) -> Self:
        """Return these scores, followed by those of more examples."""

    def recalibrated(
        self,
        *,
        biases: bool = True,  # noqa: ARG002
        at_most: float = math.inf,  # noqa: ARG002
    ) -> npt.NDArray[np.float64]:
        """Return the losses [k] with the best confidence, which show what the weights know.

        If a task has no such correction, they are the plain losses.

        Parameters
        ----------
        biases : bool
            Whether a bias to some classes is corrected as well.
        at_most : float
            Largest factor by which the confidence may be raised or lowered.
        """
        return self.losses

    def __len__(self) -> int:
        return len(self.losses)

    def mean(self) -> Evaluation:
        """Return loss and accuracy over these examples."""
        return Evaluation(float(self.losses.mean()), float(self.right.mean()))

    def worst_group(self) -> float:
        """Return the accuracy in the group where it is lowest."""
        counts = np.bincount(self.groups)
        right = np.bincount(self.groups, weights=self.right)
        return float((right[counts > 0] / counts[counts > 0]).min())


class Evaluator(Protocol):
    """Evaluates weights on a fixed set of examples; see ``strategies.keras_evaluator``."""

    def __len__(self) -> int:
        """Return the number of examples."""
        ...

    def score(self, weights: Weights, indices: Indices | None = None) -> Scores:
        """Score all examples, or those at ``indices`` [k], in their order."""
        ...

    def groups(self, indices: Indices) -> Indices:
        """Return the group (class) of the examples at ``indices`` [k]."""
        ...

    def slope(
        self,
        weights: Weights,
        indices: Indices,
        importance: npt.NDArray[np.float32] | None = None,
        sharpness: float = 1.0,
    ) -> "Sloped":
        """Return the losses of the examples at ``indices`` [k], and the gradient of their mean.

        With ``importance`` [k], the mean is weighted by it. ``sharpness`` is the factor by which
        the confidence of the outputs is raised.
        """
        ...

    def steps(
        self, weights: Weights, indices: Indices, learning_rate: float, batch: int
    ) -> tuple[float, float]:
        """Return the mean loss at ``indices`` [k], and the highest while training on them.

        Training takes one step of gradient descent for each batch, in their order.
        """
        ...


@dataclasses.dataclass(frozen=True)
class Sloped:
    """Losses of weights on k examples, and the gradient of their mean by the weights.

    Attributes
    ----------
    losses : float64 [k]
        With the confidence raised by the sharpness.
    gradient : Weights
        Of their mean, which is weighted if examples have importance.
    sharper : float
        Derivative of the mean by the sharpness.
    scores : Scores
        With the outputs as they are.
    """

    losses: npt.NDArray[np.float64]
    gradient: Weights
    sharper: float
    scores: Scores


@dataclasses.dataclass(frozen=True)
class Directions:
    """Directions of a little honest training from W; see ``strategies.reference_trainer``.

    Attributes
    ----------
    overall : Weights
        dW of training on examples of all groups.
    surplus : Weights
        Steepest descent from W of the part of the loss that only single targets determine: for
        classification, cross-entropy with the labels minus that with the classes' frequencies.
    by_group : list of Weights
        dW of training on the examples of one group (class) alone, for each group with examples.
    """

    overall: Weights
    surplus: Weights
    by_group: list[Weights]


class ReferenceTrainer(Protocol):
    """Trains in the cloud on validation examples, for directions to compare updates with.

    These are never merged.
    """

    def directions(self, weights: Weights, server_round: int) -> Directions:
        """Train a little from W, on all groups together and on each alone."""
        ...
