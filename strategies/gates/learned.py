"""Learn the merge on one part of the validation examples, certify it on the other."""

import contextlib
import dataclasses
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from fog_flower.tasks.scores import Evaluation, Scores
from strategies.gate import Decision, Trial

Vector = npt.NDArray[np.float64]
NEGLIGIBLE = 0.02  # of the longest step: what is below it is no part of the merge


@dataclasses.dataclass(frozen=True)
class Learned:
    r"""Learns how far to go along each update, unless the plain merge is as good.

    The nearest published method is FedLAW (Li et al. 2023, ICML), which learns shares and a
    shrinking factor on a proxy set. Three steps, on disjoint parts of the validation examples:

    1. The plain merge F of all updates is taken unchanged if it is certified. With $s_i$ the slope
       of the loss at F along $dW_i$ and $m$ the slope along the plain step, convexity says that
       the mean of no subset of the updates has a loss below $L(F) - \max_i (m - s_i)$. F is
       certified if that is at most ``slack`` times what F gained over W.
    2. Otherwise weights $\alpha_i \ge 0$ are learned that minimise $L(W + \sum_i \alpha_i dW_i)$,
       by L-BFGS-B in units of a trusted length: Polyak's step $L(W) / |\max(-c, 0)|$ with $c_i$
       the slope at W along $dW_i / |dW_i|$. So neither lengths, nor copies, nor claimed numbers of
       examples decide anything.
    3. On the other part, paired one-sided tests: the plainest merge that is not shown to be worse
       than the learned one, or than W, is taken. Plainest is F, then the plain merge of those whose
       learned weight is not 0, then the learned one; W is kept where all are shown to be worse.

    Attributes
    ----------
    examples : int
        On which is learned, and as many on which is certified; 0: half of all each.
    evaluations : int
        Of loss and slope while learning, at most.
    error : float
        Chance with which a merge that is no worse is taken to be worse.
    slack : float
        How much of a round's gain a certified plain merge may leave behind; 0 always learns.
    """

    examples: int = 1000
    evaluations: int = 12
    error: float = 0.01
    slack: float = 0.5

    def judge(self, trial: Trial) -> list[Decision]:
        """Take the plain merge, the learned one, or none."""
        half = max(trial.examples // 2, 1)
        count = min(self.examples or half, half)
        none = np.zeros(len(trial))
        before, slopes = trial.weighing.slope(none, count)
        plain, at_plain = trial.weighing.slope(trial.weighing.shares, count)
        if self._certified(trial.weighing.shares, before, plain, at_plain):
            return [
                Decision(
                    True,
                    "accepted: the plain merge is certified",
                    without=Evaluation(before, np.nan),
                    with_update=Evaluation(plain, np.nan),
                    examples=count,
                )
            ] * len(trial)
        weights = self._learn(trial, count, (before, slopes), (plain, at_plain))
        return self._choose(trial, count, weights)

    def _certified(self, shares: Vector, before: float, plain: float, slopes: Vector) -> bool:
        if not np.isfinite(plain) or not np.isfinite(slopes).all():
            return False
        step = float(shares @ slopes) / float(shares.sum())
        left_behind = max(float((step - slopes).max()), 0.0)
        return before - plain > 0.0 and left_behind <= self.slack * (before - plain)

    def _learn(
        self, trial: Trial, count: int, at_w: tuple[float, Vector], at_plain: tuple[float, Vector]
    ) -> Vector:
        """Return weights [k]; zeros where no update leads downhill.

        Parameters
        ----------
        at_w, at_plain : (float, Vector)
            Loss and slopes at W and at the plain merge: one of them is where learning begins.
        """
        before, slopes = at_w
        norms = np.asarray(trial.norms, np.float64)
        none = np.zeros(len(trial))
        usable = norms > 0.0
        along = np.divide(slopes, norms, out=none.copy(), where=usable)
        down = float(np.linalg.norm(np.maximum(-along, 0.0)))
        if not (np.isfinite(down) and down > 0.0):
            return none
        # One unit of x is one trusted length along an update.
        unit = np.divide(before / down, norms, out=none.copy(), where=usable)
        shares = np.divide(trial.weighing.shares, unit, out=none.copy(), where=usable)
        start, known = (shares, at_plain) if at_plain[0] < before else (none, at_w)
        (best, _), found = known, start
        asked = 2

        def objective(x: Vector) -> tuple[float, Vector]:
            nonlocal best, found, asked
            if asked >= self.evaluations:
                raise _EnoughError
            asked += 1
            loss, slope = (
                known if np.array_equal(x, start) else trial.weighing.slope(x * unit, count)
            )
            if not np.isfinite(loss) or not np.isfinite(slope).all():
                return 1e6, np.zeros(len(x))
            if loss < best:
                best, found = loss, x.copy()
            return loss, slope * unit

        bounds = [(0.0, None)] * len(none)
        with contextlib.suppress(_EnoughError):
            minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds)
        return found * unit

    def _choose(self, trial: Trial, count: int, weights: Vector) -> list[Decision]:
        """Take the plainest merge that is not shown to be worse than the learned one, or than W."""
        stop = min(trial.examples, 2 * count)
        lengths = weights * np.asarray(trial.norms, np.float64)
        kept = lengths > NEGLIGIBLE * lengths.max(initial=0.0)
        candidates = {
            "the plain merge": trial.weighing.shares,
            "the plain merge of these": _shares_of(trial.weighing.shares, kept),
            "the learned merge": weights,
        }
        none = trial.weighing.score(np.zeros(len(trial)), count, stop)
        scored = {name: trial.weighing.score(a, count, stop) for name, a in candidates.items()}
        learned = scored["the learned merge"]
        for name, chosen in candidates.items():
            scores = scored[name]
            if chosen.any() and not self._worse(learned, scores) and not self._worse(none, scores):
                break
        else:
            reason, mean = "rejected: no merge is better than W", learned.mean()
            return [Decision(False, reason, none.mean(), mean, stop, weight=0.0)] * len(trial)
        is_plain = name == "the plain merge"
        accepted = np.ones(len(trial), bool) if is_plain else kept
        return [
            Decision(
                bool(joins),
                f"accepted: {name} is taken" if joins else "rejected: its learned weight is 0",
                none.mean(),
                scores.mean(),
                stop,
                weight=np.nan if is_plain else float(weight),
            )
            for joins, weight in zip(accepted, chosen, strict=True)
        ]

    def _worse(self, one: Scores, other: Scores) -> bool:
        """Tell whether ``other`` is shown to be worse than ``one``."""
        if not other.finite:
            return True
        if not one.finite:
            return False
        harm = other.losses - one.losses
        edge = NormalDist().inv_cdf(1.0 - self.error) * harm.std() / np.sqrt(len(harm))
        return bool(harm.mean() > edge)


def _shares_of(shares: Vector, kept: npt.NDArray[np.bool_]) -> Vector:
    """Return what each update weighs in the plain merge of those that are kept alone."""
    chosen = np.where(kept, shares, 0.0)
    return chosen / chosen.sum() * shares.sum() if chosen.sum() > 0.0 else chosen


class _EnoughError(Exception):
    """All evaluations are used up."""
