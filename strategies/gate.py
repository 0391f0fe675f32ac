"""The interface of gates: what a gate may look at, and the decisions that it returns."""

import dataclasses
import math
from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from fog_flower.tasks.scores import UNKNOWN, Evaluation, Scores


@dataclasses.dataclass(frozen=True)
class Decision:
    """Whether an update is accepted, why, and which evaluations were compared.

    Attributes
    ----------
    accepted : bool
    reason : str
    without, with_update : Evaluation
        Of the trial merges that decided; NaN if none was needed.
    examples : int
        Number of validation examples that the decision used.
    trust : float
        Agreement with the cloud's own direction; NaN if the gate did not ask for it.
    weight : float
        The weight of its dW in the merge; NaN leaves the weight to the strategy.
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
    """Functions that evaluate W + sum of weight * dW for any weights.

    Examples are numbered in this round's order of the validation examples.

    Attributes
    ----------
    shares : float64 [k]
        The weights of the plain merge of all updates.
    slope : callable
        Takes weights [k], a number of examples, their importance [examples] or None, a sharpness
        by which the model's answers are multiplied (1.0 is neutral), and a number of parts into
        which the examples are split to estimate standard errors (1: no estimate). Returns the
        ``Slope`` on the first examples.
    score : callable
        Takes weights [k], start and stop. Returns the scores on examples start to stop - 1.
    groups : callable
        Takes a number of examples. Returns the group (class) of each of the first ones.
    cosines : callable
        Returns the cosines between all pairs of dW [k, k].
    own : int or None
        The number of the cloud's own update, which is the last one; None if there is none.
    train : callable, optional
        Takes weights [k], a number of examples, and whether to train on all of them at once instead
        of in the clients' batches. Returns the mean loss of the merge on the first examples, and
        the highest while training on them at the clients' learning rate. None if it is not known
        how clients train.
    """

    shares: Vector
    slope: Callable[[Vector, int, Vector | None, float, int], "Slope"]
    score: Callable[[Vector, int, int], Scores]
    groups: Callable[[int], npt.NDArray[np.int64]]
    cosines: Callable[[], Vector]
    own: int | None = None
    train: Callable[[Vector, int, bool], tuple[float, float]] | None = None

    def only(self, numbers: npt.NDArray[np.int64]) -> "Weighing":
        """Return the same functions for these of the updates only; the shares keep their sum."""
        shares = self.shares[numbers]
        train = self.train

        def spread(weights: Vector) -> Vector:
            full = np.zeros(len(self.shares))
            full[numbers] = weights
            return full

        def slope(
            weights: Vector, count: int, importance: Vector | None, sharpness: float, parts: int
        ) -> Slope:
            found = self.slope(spread(weights), count, importance, sharpness, parts)
            along, errors = found.along[numbers], found.errors[numbers]
            return dataclasses.replace(found, along=along, errors=errors)

        own = np.flatnonzero(numbers == self.own)
        return Weighing(
            shares * (self.shares.sum() / shares.sum()) if shares.sum() > 0.0 else shares,
            slope,
            lambda weights, start, stop: self.score(spread(weights), start, stop),
            self.groups,
            lambda: self.cosines()[np.ix_(numbers, numbers)],
            int(own[0]) if len(own) else None,
            None if train is None else lambda weights, *how: train(spread(weights), *how),
        )


@dataclasses.dataclass(frozen=True)
class Slope:
    """The losses of a merge, and the derivatives of its mean loss.

    Attributes
    ----------
    losses : float64 [n]
        The loss of each example.
    along : float64 [k]
        Directional derivative of the mean loss along each dW; of the weighted mean if the examples
        have importance.
    sharper : float
        Derivative of the same loss by the sharpness of the answers.
    scores : Scores
        Of each example [n], at sharpness 1.
    errors : float64 [k]
        Standard errors of ``along``; NaN if it was computed in one part.
    steepest : float
        L2 norm of the gradient, the largest slope per unit of length; NaN if it was computed in one
        part.
    dimensions : int
        Number of weights of the model; 0 if it was computed in one part.
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
        """Whether all losses and slopes are finite."""
        return bool(np.isfinite(self.losses).all() and np.isfinite(self.along).all())


ScoreMerge = Callable[[tuple[int, ...], int, int], Scores]


class Trial:
    """The finite updates of a round, numbered 0 to k - 1, and trial merges of them.

    Results are cached: every validation example is evaluated at most once for each merge.

    Parameters
    ----------
    norms : k numbers
        L2 norms of the updates.
    score_merge : callable
        Takes (numbers, start, stop). Returns the scores of the merge of these updates (of W itself
        for an empty tuple) on examples start to stop - 1 in this round's order.
    examples : int
        The number of validation examples.
    trust : callable, optional
        Returns k numbers from -1 to 1: the agreement of each update with the direction in which the
        cloud itself would train. 1 is the most agreeing update, 0 the edge of chance.
    in_sequence : bool
        Whether the updates are merged one after the other in their order, each onto the W left by
        the one before (``merge=sequential``). Then the gate cannot choose the order.
    weighing : Weighing, optional
        For gates that give weights to updates instead of taking them whole.
    alone : k Scores or None, optional
        Scores of the merge of each update alone on the first examples, if already known.
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
        """Score the merge of these updates (W if empty) on the first examples, 0 for all."""
        key, wanted = tuple(sorted(numbers)), min(examples or self.examples, self.examples)
        known = self._known.get(key)
        have = len(known) if known else 0
        if have < wanted:
            more = self._score_merge(key, have, wanted)
            self._known[key] = known = known.then(more) if known else more
        assert known is not None  # noqa: S101  (there is at least one example)
        return known.first(wanted)

    def evaluate(self, numbers: Sequence[int], examples: int = 0) -> Evaluation:
        """Return loss and accuracy of the merge of these updates on the first examples."""
        return self.scores(numbers, examples).mean()

    def chance(self, examples: int) -> float:
        """Return the loss of the best constant answer, on the first examples."""
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

    def only(self, numbers: Sequence[int]) -> "Trial":
        """Return a trial of these of the updates only, in this order, with the same examples."""
        kept = np.asarray(numbers, np.int64)
        trust = self._trust
        return Trial(
            [self.norms[n] for n in kept],
            lambda chosen, start, stop: self._score_merge(
                tuple(int(kept[n]) for n in chosen), start, stop
            ),
            self.examples,
            None if trust is None else lambda: [trust()[n] for n in kept],
            in_sequence=self.in_sequence,
            alone=[self._known.get((int(n),)) for n in kept],
            weighing=self._weighing and self._weighing.only(kept),
        )

    @property
    def weighing(self) -> Weighing:
        """The functions that evaluate merges with any weights.

        Raises
        ------
        ValueError
            If the trial has none.
        """
        if self._weighing is None:
            raise ValueError("this gate needs an evaluator that takes slopes")
        return self._weighing

    def trust(self) -> Sequence[float]:
        """Return each update's agreement with the cloud's direction, -1 to 1.

        1 is the most agreeing update. If none agrees, or the cloud's own training diverges, all
        get 0, except nodes that have seen mostly few classes.

        Raises
        ------
        ValueError
            If the trial was built without ``trust``.
        """
        if self._trust is None:
            raise ValueError("this gate needs a ReferenceTrainer: pass one to the Judge")
        return self._trust()


class Gate(Protocol):
    """Judges the updates of one round. It keeps no state, so that rounds can be repeated."""

    def judge(self, trial: Trial) -> list[Decision]:
        """Return one decision for each update, in the trial's order."""
        ...
