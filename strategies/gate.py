"""What a gate may look at, and what it answers."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from fog_flower.tasks.scores import UNKNOWN, Evaluation, Scores


@dataclasses.dataclass(frozen=True)
class Decision:
    """Accepted or not, why, and what was compared.

    Attributes
    ----------
    without, with_update : Evaluation
        Of the trial merges that decided; NaN where none was needed.
    examples : int
        Validation examples that the decision took.
    trust : float
        Agreement with the cloud's own direction; NaN where it was not asked for.
    weight : float
        How much of its dW goes into the merge; NaN: as much as the strategy gives it.
    """

    accepted: bool
    reason: str
    without: Evaluation = UNKNOWN
    with_update: Evaluation = UNKNOWN
    examples: int = 0
    trust: float = math.nan
    weight: float = math.nan


Vector = npt.NDArray[np.float64]


@dataclasses.dataclass(frozen=True)
class Weighing:
    """What can be asked about W + sum of weight * dW, for any weights.

    Attributes
    ----------
    shares : float64 [k]
        The weights of the plain merge of all.
    slope : callable
        From weights [k], a number of examples, their importance [examples] or None, how much surer
        the answers are to be taken (1.0: as they are), and in how many parts standard errors are
        found (1: not at all), to the ``Slope`` on the first examples of this round's order.
    score : callable
        From weights [k], start and stop to the scores on examples number start to stop - 1.
    groups : callable
        From a number of examples to the group (class) of each of the first ones.
    cosines : callable
        Returns the cosine of each dW with each [k, k].
    own : int or None
        The number of the cloud's own update, which is no node's; it is the last.
    """

    shares: Vector
    slope: Callable[[Vector, int, Vector | None, float, int], "Slope"]
    score: Callable[[Vector, int, int], Scores]
    groups: Callable[[int], npt.NDArray[np.int64]]
    cosines: Callable[[], Vector]
    own: int | None = None


@dataclasses.dataclass(frozen=True)
class Slope:
    """How a merge answers, and where the loss falls from there.

    Attributes
    ----------
    losses : float64 [n]
        Of each example.
    along : float64 [k]
        Slope of the mean loss along each dW; of the weighted mean where examples have importance.
    sharper : float
        Its slope along the sharpness of the answers.
    scores : Scores
        Of each example [n], with the answers as sure as they are.
    errors : float64 [k]
        Standard errors of ``along``; NaN where it was not asked in parts.
    steepest : float
        Slope along the gradient itself, per unit of length: no direction is steeper; NaN where it
        was not asked in parts.
    dimensions : int
        How many weights a direction has; 0 likewise.
    """

    losses: Vector
    along: Vector
    sharper: float
    scores: Scores
    errors: Vector
    steepest: float
    dimensions: int

    @property
    def finite(self) -> bool:
        """Whether all of it are numbers."""
        return bool(np.isfinite(self.losses).all() and np.isfinite(self.along).all())


ScoreMerge = Callable[[tuple[int, ...], int, int], Scores]


class Trial:
    """The finite updates of a round, numbered 0 to k - 1, and what can be asked about them.

    Every validation image is evaluated at most once for each merge, however often one asks.

    Parameters
    ----------
    norms : k numbers
        Of the updates.
    score_merge : callable
        From (numbers, start, stop) to the scores of their merge, of W itself for none of them, on
        examples number start to stop - 1 in this round's order.
    examples : int
        How many validation examples there are.
    trust : callable, optional
        Returns k numbers from -1 to 1: how far each update agrees with the direction in which the
        cloud itself would train; 1 is the one that does most, 0 the edge of chance.
    in_sequence : bool
        The updates are merged one after the other in their order, each onto the W left by the
        one before (``merge=sequential``), so the order is not the gate's to choose.
    weighing : Weighing, optional
        For gates that weigh updates instead of taking them whole.
    alone : k Scores or None, optional
        Of the merge of each update alone, on the first examples, where they are known already.
    """

    def __init__(
        self,
        norms: Sequence[float],
        score_merge: ScoreMerge,
        examples: int,
        trust: Callable[[], Sequence[float]] | None = None,
        *,
        in_sequence: bool = False,
        alone: Sequence[Scores | None] = (),
        weighing: Weighing | None = None,
    ) -> None:
        self.norms = tuple(norms)
        self.examples = examples
        self.in_sequence = in_sequence
        self._weighing = weighing
        self._score_merge = score_merge
        self._trust = trust
        self._known: dict[tuple[int, ...], Scores] = {
            (n,): known for n, known in enumerate(alone) if known
        }
        self._losses: dict[tuple[tuple[int, ...], int, bool], npt.NDArray[np.float64]] = {}

    def __len__(self) -> int:
        return len(self.norms)

    def scores(self, numbers: Sequence[int], examples: int = 0) -> Scores:
        """Score the merge of these updates (of none: W) on the first examples, 0 for all."""
        key, wanted = tuple(sorted(numbers)), min(examples or self.examples, self.examples)
        known = self._known.get(key)
        have = len(known) if known else 0
        if have < wanted:
            more = self._score_merge(key, have, wanted)
            self._known[key] = known = known.then(more) if known else more
        assert known is not None  # noqa: S101  (there is at least one image)
        return known.first(wanted)

    def evaluate(self, numbers: Sequence[int], examples: int = 0) -> Evaluation:
        """Return loss and accuracy of the merge of these updates on the first examples."""
        return self.scores(numbers, examples).mean()

    def chance(self, examples: int) -> float:
        """Return the loss of knowing nothing, on the first examples."""
        known = next(scores for scores in self._known.values() if len(scores) >= examples)
        return known.first(examples).chance

    def losses(
        self, numbers: Sequence[int], examples: int = 0, *, biases: bool = True
    ) -> npt.NDArray[np.float64]:
        """Return the merge's recalibrated losses on the first examples, 0 for all."""
        key = tuple(sorted(numbers)), min(examples or self.examples, self.examples), biases
        if key not in self._losses:
            self._losses[key] = self.scores(numbers, examples).recalibrated(biases=biases)
        return self._losses[key]

    @property
    def weighing(self) -> Weighing:
        """What can be asked about merges of any weights.

        Raises
        ------
        ValueError
            If that is nothing.
        """
        if self._weighing is None:
            raise ValueError("this gate needs an evaluator that takes slopes")
        return self._weighing

    def trust(self) -> Sequence[float]:
        """Return each update's agreement with the cloud's direction, -1 to 1.

        1 is the most agreeing one. Where none agrees, or the cloud's own training diverges, all
        that have not seen mostly few classes get 0.

        Raises
        ------
        ValueError
            If the cloud has none.
        """
        if self._trust is None:
            raise ValueError("this gate needs a ReferenceTrainer: pass one to the Judge")
        return self._trust()


class Gate(Protocol):
    """Judges the updates of one round; keeps no state, so that rounds can be repeated."""

    def judge(self, trial: Trial) -> list[Decision]:
        """Return one decision for each update, in the trial's order."""
        ...
