"""How weights answer on held-out examples, and what can measure it."""

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
    """Mean loss, and the fraction of examples answered right (for regression: within tolerance)."""

    loss: float
    accuracy: float


UNKNOWN = Evaluation(math.nan, math.nan)


class Scores(ABC):
    """What weights answer on each of k examples, so that two models can be compared one by one."""

    @property
    @abstractmethod
    def losses(self) -> npt.NDArray[np.float64]:
        """Loss of each example [k]."""

    @property
    @abstractmethod
    def right(self) -> npt.NDArray[np.bool_]:
        """Whether each example is answered right [k]."""

    @property
    @abstractmethod
    def finite(self) -> bool:
        """Whether all answers are numbers; those of enormous weights are not."""

    @property
    @abstractmethod
    def chance(self) -> float:
        """Loss of the best answer that looks at no input: of knowing nothing."""

    @property
    def groups(self) -> Indices:
        """The group (class) of each example [k]; all are of one where a task has none."""
        return np.zeros(len(self), np.int64)

    @abstractmethod
    def first(self, count: int) -> Self:
        """Return the scores of the first ``count`` examples."""

    @abstractmethod
    def then(self, more: Self) -> Self:
        """Return these scores with those of more examples behind them."""

    def recalibrated(
        self,
        *,
        biases: bool = True,  # noqa: ARG002
        at_most: float = math.inf,  # noqa: ARG002
    ) -> npt.NDArray[np.float64]:
        """Return the losses [k] of what the weights know, whatever their confidence is.

        Where a task knows no such thing, they are the losses.

        Parameters
        ----------
        biases : bool
            Whether favourite answers are forgiven as well.
        at_most : float
            By what factor the answers may be taken to be surer, or less sure.
        """
        return self.losses

    def __len__(self) -> int:
        return len(self.losses)

    def mean(self) -> Evaluation:
        """Return loss and accuracy over these examples."""
        return Evaluation(float(self.losses.mean()), float(self.right.mean()))

    def worst_group(self) -> float:
        """Return the fraction answered right in the group where it is least."""
        counts = np.bincount(self.groups)
        right = np.bincount(self.groups, weights=self.right)
        return float((right[counts > 0] / counts[counts > 0]).min())


class Evaluator(Protocol):
    """Evaluates weights on a fixed set of examples; see ``strategies.keras_evaluator``."""

    def __len__(self) -> int:
        """How many examples there are."""
        ...

    def score(self, weights: Weights, indices: Indices | None = None) -> Scores:
        """Score each of all examples, or of those at ``indices`` [k], in their order."""
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
        """Return the losses of the examples at ``indices`` [k], and how their mean changes.

        With ``importance`` [k] the mean is weighted by it. By ``sharpness`` the answers are taken
        to be surer than they are.
        """
        ...


@dataclasses.dataclass(frozen=True)
class Sloped:
    """How weights answer on k examples, and how their mean loss changes with the weights.

    Attributes
    ----------
    losses : float64 [k]
        With the answers as sure as they were to be taken.
    gradient : Weights
        Of their mean, weighted where examples have importance.
    sharper : float
        Its slope along the sharpness.
    scores : Scores
        With the answers as they are.
    """

    losses: npt.NDArray[np.float64]
    gradient: Weights
    sharper: float
    scores: Scores


@dataclasses.dataclass(frozen=True)
class Directions:
    """Where a little honest training leads from W; see ``strategies.reference_trainer``.

    Attributes
    ----------
    overall : Weights
        dW of training on examples of all groups.
    surplus : Weights
        Steepest descent from W of what only the targets tell: for classification, cross-entropy
        with the labels less that with the classes' frequencies.
    by_group : list of Weights
        dW of training on the examples of one group (class) alone, for each of them.
    """

    overall: Weights
    surplus: Weights
    by_group: list[Weights]


class ReferenceTrainer(Protocol):
    """Trains in the cloud, on validation examples: a direction to compare updates with.

    What it returns is never merged.
    """

    def directions(self, weights: Weights, server_round: int) -> Directions:
        """Train a little from W, in all and by group."""
        ...
