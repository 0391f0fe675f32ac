"""Learns the merge on one part of the validation examples, and certifies it on the other."""

import contextlib
import dataclasses
import functools
import math
from collections.abc import Iterator
from statistics import NormalDist

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize

from fog_flower.tasks.scores import Evaluation, Scores
from strategies.gate import Decision, Slope, Trial

Vector = npt.NDArray[np.float64]
SURER = 2.0  # largest factor, up or down, of the temperature that is fitted
DOUBT = 1.0  # standard errors by which a slope must be below 0
PARTS = 8  # parts of the examples, from whose slopes the standard errors are estimated
COPIES = 0.1  # fraction of a merge due to copies from which on copies are counted once
LITTLE = 0.1  # largest cosine with the gradient that noise is assumed to have in a small model
EXPLODED = 2.5  # times the loss from which a short training began
BEYOND_CHANCE = 2.0  # times the loss of the best constant answer
MORE = 2.0  # largest share of an update in a plain merge, in median shares
LONGER = 2.0  # largest ratio of lengths for which slopes can certify a plain merge
HALF = 0.5  # of the plain merge
TRIED_IN_ALL, LEAST_TRIED = 4000, 16  # examples for steps: of all updates together, and of each
PLAIN = "the plain merge"
UNSTABLE = "rejected: training explodes from it"
RISES, NOTHING = "the loss rises along it", "it adds nothing to the rest"
REST = 1 / 32  # fraction of a merge shared by all updates that are not shown to lead uphill


@dataclasses.dataclass(frozen=True)
class Learned:
    r"""Learns a weight for each update, unless the plain merge is as good.

    The nearest published method is FedLAW (Li et al. 2023, ICML), which learns shares and a
    shrinking factor on a proxy set.

    First, an update is refused if training explodes from its local model W + dW, on a few examples
    and at the clients' learning rate: if a single step of gradient descent raises the loss on the
    examples of that step, or if training in the clients' batches raises it to ``EXPLODED`` times
    what it was and to ``BEYOND_CHANCE`` times that of the best constant answer. Where the loss
    rises from W too, it has to rise as much more. Such a model may answer well, but somewhere its
    activations are enormous, so that the next round's training explodes. No output shows that.

    Then there are three steps. The first two use one part of the validation examples, the third
    another, disjoint one.

    1. The plain merge F of all updates is taken unchanged if it is certified. Let $s_i$ be the
       slope of the loss at F along $dW_i$, and $m$ the slope along the plain step. If the loss is
       convex, the mean of no subset of the updates has a loss below $L(F) - \max_i (m - s_i)$. F is
       certified if $\max_i (m - s_i)$ is at most ``slack`` times the gain of F, over W and over the
       best constant answer, and no group (class) is shown to be answered worse than by W. In this
       and all plain merges, copies count once, and updates are cut to twice the median length
       of those along which the loss falls by more than chance.
    2. Otherwise weights $\alpha_i \ge 0$ are learned that minimise $L(W + \sum_i \alpha_i dW_i)$,
       by L-BFGS-B. Their unit is a trusted length: Polyak's step $L(W) / |\max(-c, 0)|$ with $c_i$
       the slope at W along $dW_i / |dW_i|$. So the result depends neither on lengths, nor on
       copies, nor on claimed numbers of examples.

       An update gets no weight unless the loss is shown to fall along it at W: by a standard error
       of the slope, and by more than it falls along noise by chance. (The cosine of noise with the
       gradient has a standard deviation of $1 / \sqrt d$, with d weights.) Noise costs nothing in
       one round, but adds up.

       A temperature is learned with the weights (Guo et al. 2017, arXiv:1706.04599), within a
       factor of two, so that a short step is not preferred only because it is less confident. If
       groups are shown to be told apart worse than by W, their examples count ``boost`` times as
       much, and the weights are learned again, because an update that harms only one class hardly
       changes the mean loss (multiplicative weights, as in group DRO, Sagawa et al. 2020,
       arXiv:1911.08731).
    3. On the other part of the examples, candidates are compared by paired one-sided tests of their
       losses at the best temperature, again within a factor of two. The plainest candidate is taken
       that is not shown to be worse than W; nor worse than the learned merge or the cloud's own
       update alone by more than ``margin`` times the gain of the learned merge; nor to answer a
       group worse than both W and the learned merge do. The candidates, the plainest first:

       - F, if its mean loss is at most that of the next candidate (W's if no update joins that), or
         if no update joins that and none is shown to lead uphill. Without this condition, harm that
         is too small to be shown in one round would add up near convergence.
       - The plain merge of all updates along which the loss falls by more than chance, and of the
         cloud's own if it got a weight.
       - The plain merge of those updates whose learned step is at least ``much`` of the longest.
       - Half of F, if the learned merge is not shown to be better than W, and half of F tells more
         apart than both. Where clients hold different classes, each update leads uphill, and the
         best merge of a single round makes no progress.
       - The learned merge, with and without the rest (below).
       - The cloud's own update.
       - A small step along all updates that are not shown to lead uphill, each cut to the length of
         the shortest of them, so that no update is refused for meaningless differences.

       W is kept if all candidates are shown to be worse. Plainer merges get a margin because they
       move at the clients' own pace: the step that is best for this round is shorter than the one
       that is best for the whole run. In the second, third and fifth candidate, a small part of the
       step (the rest) is shared evenly among all updates that are not shown to lead uphill at W.
       Otherwise an update that only repeats others could get no weight, although it is no worse.

    Attributes
    ----------
    examples : int
        Number of examples for learning, and the same number for certifying; 0 uses half of all for
        each.
    evaluations : int
        Largest number of evaluations of loss and slope for learning once.
    settled : float
        Learning ends when an iteration lowers the loss by less than this (by less than this part of
        the loss if it is above 1).
    error : float
        Probability that a merge that is no worse is taken to be worse (one-sided paired tests).
    slack : float
        Fraction of a round's gain that a certified plain merge may lose; 0 always learns.
    margin : float
        Fraction of the learned merge's gain that a plainer one may lose.
    much : float
        Fraction of the longest learned step that an update needs for the plain merge of the strong.
    tried : int
        Number of examples on which a step of training is tried from each local model; 0 tries none.
        With more than 32 updates, they share 4,000 examples, but each gets 16.
    again : int
        How often weights are learned again for groups that are answered worse; 0 ignores groups.
    boost : float
        Factor on the importance of such a group each time.
    """

    examples: int = 1000
    evaluations: int = 12
    settled: float = 1e-3
    error: float = 0.01
    slack: float = 0.25
    margin: float = 0.1
    much: float = 0.25
    again: int = 2
    boost: float = 4.0
    tried: int = 125

    def judge(self, trial: Trial) -> list[Decision]:
        """Judge the updates from which training does not explode, and refuse the others."""
        kept = np.flatnonzero(~self._unstable(trial))
        decisions = [Decision(False, UNSTABLE, examples=self.tried, weight=0.0)] * len(trial)
        if len(kept):
            rest = trial if len(kept) == len(trial) else trial.only(kept.tolist())
            for number, decision in zip(kept, self._judge(rest), strict=True):
                decisions[number] = decision
        return decisions

    def _unstable(self, trial: Trial) -> npt.NDArray[np.bool_]:
        """Return from which local models training explodes, and more so than from W.

        The cloud's own is not asked.
        """
        unstable, none = np.zeros(len(trial), bool), np.zeros(len(trial))
        alone = np.eye(len(trial))
        count = min(self.tried, trial.examples, max(TRIED_IN_ALL // len(trial), LEAST_TRIED))
        fog = [n for n in range(len(trial)) if n != trial.weighing.own]
        train = trial.weighing.train
        if train is None or not count:
            return unstable
        for at_once, usual in ((True, 1.0), (False, EXPLODED)):
            rises, highest = none.copy(), none.copy()
            for number in fog:
                before, highest[number] = train(alone[number], count, at_once)
                rises[number] = _rise(before, highest[number])
            if (rises > usual).any():
                worse = rises > usual * max(1.0, _rise(*train(none, count, at_once)))
                if not at_once:  # a low loss may be a multiple of a lower one
                    chance = trial.weighing.score(none, 0, count).chance
                    worse &= ~(highest <= BEYOND_CHANCE * chance)
                unstable |= worse
        return unstable

    def _judge(self, trial: Trial) -> list[Decision]:
        """Take the plain merge if it is certified, and else choose among it, the learned and W."""
        half = max(trial.examples // 2, 1)
        count = min(self.examples or half, half)
        groups = trial.weighing.groups(count)
        before = trial.weighing.slope(np.zeros(len(trial)), count, None, 1.0, PARTS)
        plainly = _plain(trial, self._beyond_chance(trial, before))
        shares = plainly.merge()
        plain = trial.weighing.slope(shares, count, None, 1.0, 1)
        known = _known(before.scores) if self.again else before.losses
        if self._certified(shares, (before, plain), known, groups):
            return [
                Decision(
                    True,
                    f"accepted: {plainly.told} is certified",
                    without=Evaluation(before.losses.mean(), np.nan),
                    with_update=Evaluation(plain.losses.mean(), np.nan),
                    examples=count,
                    weight=np.nan if plainly.told == PLAIN else share,
                )
                for share in shares
            ]
        weights = self._learn(trial, count, plainly, before, plain, known, groups)
        return self._choose(trial, count, plainly, weights, before)

    def _certified(
        self,
        shares: Vector,
        slopes: tuple[Slope, Slope],
        known: Vector,
        groups: npt.NDArray[np.int64],
    ) -> bool:
        """Check whether the plain merge is certified; ``slopes`` are those at W and at the merge.

        A merge that is not finite never is.
        """
        before, plain = slopes
        if not plain.finite:
            return False
        step = float(shares @ plain.along) / float(shares.sum())
        left_behind = max(float((step - plain.along).max()), 0.0)
        gain = float(_least(before) - plain.losses.mean())
        if not (gain > 0.0 and left_behind <= self.slack * gain):
            return False
        if not self.again:
            return True
        return not self._suffering(known, _known(plain.scores), groups)

    def _suffering(
        self, before: Vector, after: Vector, groups: npt.NDArray[np.int64]
    ) -> list[np.intp]:
        """Return the groups that are shown to be answered worse after than before."""
        if not self.again:
            return []
        numbers = np.flatnonzero(np.bincount(groups) > 1)
        error = self.error / max(len(numbers), 1)
        return [number for number in numbers if _is_harm((after - before)[groups == number], error)]

    def _learn(
        self,
        trial: Trial,
        count: int,
        plainly: "_Plain",
        before: Slope,
        plain: Slope,
        known_before: Vector,
        groups: npt.NDArray[np.int64],
    ) -> Vector:
        """Return the learned weights [k]; all 0 if no update leads downhill.

        Learning starts at W or at the plain merge of the updates that may get a weight, whichever
        has the lower loss.

        Parameters
        ----------
        trial : Trial
        count : int
            Number of examples to learn on.
        plainly : _Plain
            The plain merge.
        before, plain : Slope
            At W and at the plain merge of all updates.
        known_before : float64 [count]
            Fully recalibrated losses of W (``_known``).
        groups : int64 [count]
        """
        norms = np.asarray(trial.norms, np.float64)
        none = np.zeros(len(trial))
        usable = (norms > 0.0) & self._downhill(trial, before)
        along = np.divide(before.along, norms, out=none.copy(), where=usable)
        down = float(np.linalg.norm(np.maximum(-along, 0.0)))
        if not (np.isfinite(down) and down > 0.0):
            return none
        # One unit of x is one trusted length along an update.
        unit = np.divide(before.losses.mean() / down, norms, out=none.copy(), where=usable)
        start, known = none, before
        merge = plainly.merge(usable)
        if not usable.all():
            plain = trial.weighing.slope(merge, count, None, 1.0, 1)
        if plain.finite and plain.losses.mean() < _least(before):
            start = np.divide(merge, unit, out=none.copy(), where=usable)
            known = plain
        start = np.append(start, 0.0)  # the last entry is the logarithm of the sharpness
        importance: Vector | None = None
        for attempt in range(self.again + 1):
            search = _Search(trial, count, unit, importance, self.evaluations - 2 * (not attempt))
            found = search.best(start, known if importance is None else None, self.settled)
            weights: Vector = found[:-1] * unit
            if attempt == self.again:
                break
            scores = search.scores or trial.weighing.score(weights, 0, count)
            suffering = self._suffering(known_before, _known(scores), groups)
            if not suffering:
                break
            importance = np.ones(count) if importance is None else importance
            importance[np.isin(groups, suffering)] *= self.boost
            start = found
        return weights

    def _downhill(self, trial: Trial, before: Slope) -> npt.NDArray[np.bool_]:
        """Return whether each update is shown to lead downhill at W; the cloud's own always is."""
        edge = np.nan_to_num(DOUBT * before.errors)
        downhill = self._beyond_chance(trial, before) & (before.along < -edge)
        if trial.weighing.own is not None:
            downhill[trial.weighing.own] = True
        return downhill

    def _deviations(self, trial: Trial) -> float:
        """Return the significant number of standard errors, corrected for the number of updates."""
        return NormalDist().inv_cdf(1.0 - self.error / max(len(trial), 1))

    def _beyond_chance(self, trial: Trial, before: Slope) -> npt.NDArray[np.bool_]:
        """Return along which updates the loss falls more at W than along noise of equal length."""
        cosine = min(self._deviations(trial) / math.sqrt(before.dimensions), LITTLE)
        norms = np.asarray(trial.norms, np.float64)
        return (before.along < -cosine * before.steepest * norms) & (norms > 0.0)

    def _choose(
        self,
        trial: Trial,
        count: int,
        plainly: "_Plain",
        weights: Vector,
        before: Slope,
    ) -> list[Decision]:
        """Take the plainest candidate that is not shown to be worse than the others."""
        stop = min(trial.examples, 2 * count)
        judged = _Judgements(trial, count, stop)
        none = np.zeros(len(trial))
        alone = none if trial.weighing.own is None else np.eye(len(trial))[trial.weighing.own]
        own = judged[alone] if alone.any() else None
        start, learned = judged[none], judged[weights]
        candidates = self._candidates(trial, plainly, weights, alone, before, judged)
        for name, chosen in candidates:  # noqa: B007  (used after the loop)
            if chosen.any() and not self._shown_worse(judged[chosen], start, learned, own):
                break
        else:
            reason, mean = "rejected: no merge is better than W", learned.scores.mean()
            rejected = Decision(False, reason, start.scores.mean(), mean, stop, weight=0.0)
            return [rejected] * len(trial)
        is_plain = name == PLAIN
        rises = before.along > self._deviations(trial) * np.nan_to_num(before.errors)
        joins = np.ones(len(trial), bool) if is_plain else chosen > 0.0
        return [
            Decision(
                bool(joins[number]),
                f"accepted: {name} is taken"
                if joins[number]
                else f"rejected: {RISES if rises[number] else NOTHING}",
                start.scores.mean(),
                judged[chosen].scores.mean(),
                stop,
                weight=np.nan if is_plain else float(chosen[number]),
            )
            for number in range(len(trial))
        ]

    def _candidates(
        self,
        trial: Trial,
        plainly: "_Plain",
        weights: Vector,
        alone: Vector,
        before: Slope,
        judged: "_Judgements",
    ) -> Iterator[tuple[str, Vector]]:
        """Yield the candidates with their names, the plainest first; all-zero ones do not count."""
        norms, none = np.asarray(trial.norms, np.float64), np.zeros(len(trial))
        joining = self._beyond_chance(trial, before) | (weights > 0.0)
        doubt = self._deviations(trial) * np.nan_to_num(before.errors)
        rest = (joining | (before.along <= doubt)) & (norms > 0.0)  # not shown to lead uphill
        steps = weights * norms
        even = np.divide(steps.sum() / max(rest.sum(), 1), norms, out=none.copy(), where=rest)
        whole, these = plainly.merge(), plainly.merge(joining)
        harmless = not joining.any() and (rest | (norms == 0.0)).all()
        if harmless or judged.no_worse(whole, these):
            yield plainly.told, whole
        yield "the plain merge of these", _with_rest(these, even)
        strong = plainly.merge((steps > 0.0) & (steps >= self.much * steps.max()))
        yield "the plain merge of the strong", _with_rest(strong, even)
        half = HALF * whole
        if judged.stalls(weights, self.error) and judged.knows_more(half, weights):
            yield "half of the plain merge", half
        yield "the learned merge", _with_rest(weights, even)
        yield "the learned merge alone", weights
        yield "the cloud's own", alone
        length = REST * norms.min(initial=norms.max(), where=rest)
        part = length * _shares_of(plainly.shares, rest)
        yield "a small part of the way", np.divide(part, norms, out=none.copy(), where=rest)

    def _shown_worse(
        self, one: "_Judged", start: "_Judged", learned: "_Judged", own: "_Judged | None"
    ) -> bool:
        """Check whether a merge is shown to be worse than W, the learned one or the cloud's own.

        It is also worse if it is shown to answer a group worse than both W and the learned one.
        """
        if not one.scores.finite:
            return True
        if start.scores.finite and _is_harm(one.calm - start.calm, self.error):
            return True
        others = [other for other in (learned, own) if other and other.scores.finite]
        spared = 0.0
        if learned.scores.finite and start.scores.finite:
            spared = self.margin * max(float((start.calm - learned.calm).mean()), 0.0)
        if any(_is_harm(one.calm - other.calm - spared, self.error) for other in others):
            return True
        if not (self.again and start.scores.finite and learned.scores.finite):
            return False
        suffering = [
            self._suffering(other.known, one.known, one.scores.groups) for other in (start, learned)
        ]
        return bool(set.intersection(*map(set, suffering)))


class _Judged:
    """A merge with its scores, and its recalibrated losses, which are computed once."""

    def __init__(self, merge: Vector, scores: Scores) -> None:
        self.merge, self.scores = merge, scores

    @functools.cached_property
    def calm(self) -> Vector:
        """The losses at the best temperature."""
        return self.scores.recalibrated(biases=False, at_most=SURER)

    @functools.cached_property
    def known(self) -> Vector:
        """The fully recalibrated losses, which measure what the model can tell apart."""
        return _known(self.scores)


class _Judgements:
    """A cache of merges, each scored once on the certifying examples."""

    def __init__(self, trial: Trial, first: int, stop: int) -> None:
        self._trial, self._first, self._stop = trial, first, stop
        self._known: dict[bytes, _Judged] = {}

    def __getitem__(self, merge: Vector) -> _Judged:
        key = merge.tobytes()  # candidates may coincide
        if key not in self._known:
            scores = self._trial.weighing.score(merge, self._first, self._stop)
            self._known[key] = _Judged(merge, scores)
        return self._known[key]

    def no_worse(self, one: Vector, other: Vector) -> bool:
        """Check whether the mean loss of one merge is at most that of another."""
        if not (self[one].scores.finite and self[other].scores.finite):
            return self[one].scores.finite
        return bool(self[one].calm.mean() <= self[other].calm.mean())

    def stalls(self, merge: Vector, error: float) -> bool:
        """Check whether a merge is not shown to be better than W."""
        start = self[np.zeros(len(merge))]
        if not (self[merge].scores.finite and start.scores.finite):
            return True
        return not _is_harm(start.calm - self[merge].calm, error)

    def knows_more(self, one: Vector, other: Vector) -> bool:
        """Check whether one merge tells more apart than another and than W, on average."""
        if not self[one].scores.finite:
            return False
        others = [self[each] for each in (other, np.zeros(len(one)))]
        known = [each.known.mean() for each in others if each.scores.finite]
        return all(self[one].known.mean() < mean for mean in known)


@dataclasses.dataclass(frozen=True)
class _Plain:
    """The plain merge, with copies counted once and long updates cut."""

    shares: Vector  # of each update [k]
    cut: Vector  # factor by which each update is shortened [k]; 1 if it is not
    told: str  # its name in the reasons of decisions

    def merge(self, kept: npt.NDArray[np.bool_] | None = None) -> Vector:
        """Return the weights [k] of the plain merge of all updates, or only of the kept ones."""
        return (self.shares if kept is None else _shares_of(self.shares, kept)) * self.cut


def _plain(trial: Trial, downhill: npt.NDArray[np.bool_]) -> _Plain:
    """Return the plain merge, with no update much longer than the median one that leads downhill.

    After an enormous step, the model gives the same answer for all inputs and all slopes are flat,
    or it hides harm that no input shows and no later training repairs. Nor has an update more than
    two median shares, because claimed numbers of examples may be lies. While most updates are
    honest, the (lower) median length is between two honest ones, whatever the others send. The
    cloud's own update is neither cut nor capped.
    """
    lengths, fog = np.asarray(trial.norms, np.float64), np.ones(len(trial), bool)
    if trial.weighing.own is not None:
        fog[trial.weighing.own] = False
    capped = _capped(trial.weighing.shares, fog)
    shares, copied = _copies_once(trial, capped, downhill)
    counted = fog & (downhill if (fog & downhill).any() else lengths > 0.0)
    median = np.quantile(lengths[counted], 0.5, method="lower") if counted.any() else np.inf
    longest = LONGER * float(median)
    long = fog & (lengths > longest)
    cut = np.divide(longest, lengths, out=np.ones(len(trial)), where=long)
    changed = ["copies counted once"] * copied + ["long updates cut"] * bool(long.any())
    changed += ["claims capped"] * bool((capped != trial.weighing.shares).any())
    told = f"{PLAIN}, {' and '.join(changed)}," if changed else PLAIN
    return _Plain(shares, cut, told)


class _Search:
    """Minimises the loss over the weights of updates, in trusted lengths, with few evaluations."""

    def __init__(
        self, trial: Trial, count: int, unit: Vector, importance: Vector | None, evaluations: int
    ) -> None:
        self._trial, self._count, self._unit = trial, count, unit
        self._importance, self._left = importance, max(evaluations, 1)
        self._least = np.inf
        self._found = np.zeros(len(unit) + 1)
        self.scores: Scores | None = None  # at the best weights found

    def best(self, start: Vector, known: Slope | None, settled: float) -> Vector:
        """Return the best weights and log sharpness [k + 1]; ``known`` is that at ``start``."""
        self._found = start
        known = known or self._asked(start)
        self._note(start, known)

        def objective(x: Vector) -> tuple[float, Vector]:
            slope = known
            if not np.array_equal(x, start):
                if not self._left:
                    raise _EnoughError
                slope = self._asked(x)
            if not slope.finite:
                return 1e6, np.zeros(len(x))
            sharper = slope.sharper * np.exp(x[-1])
            return self._note(x, slope), np.append(slope.along * self._unit, sharper)

        sharpness = -math.log(SURER), math.log(SURER)
        bounds = [*[(0.0, None if unit else 0.0) for unit in self._unit], sharpness]
        with contextlib.suppress(_EnoughError):
            minimize(
                objective,
                start,
                jac=True,
                method="L-BFGS-B",
                bounds=bounds,
                options={"ftol": settled},
            )
        return self._found

    def _asked(self, x: Vector) -> Slope:
        self._left -= 1
        sharpness = float(np.exp(x[-1]))
        return self._trial.weighing.slope(
            x[:-1] * self._unit, self._count, self._importance, sharpness, 1
        )

    def _note(self, x: Vector, slope: Slope) -> float:
        loss = float(np.average(slope.losses, weights=self._importance))
        if loss < self._least:
            self._least, self._found, self.scores = loss, x.copy(), slope.scores
        return loss


def _known(scores: Scores) -> Vector:
    """Return fully recalibrated losses [k], which measure what the model can tell apart.

    Temperature and biases towards some answers do not count: a model at the start of its training
    first learns which classes are frequent, and seems to unlearn the others.
    """
    return scores.recalibrated() if scores.finite else scores.losses


def _least(before: Slope) -> float:
    """Return the loss that a merge has to beat: W's, or the best constant answer's if lower."""
    return min(float(before.losses.mean()), before.scores.chance)


def _rise(before: float, after: float) -> float:
    """Return the factor from one loss to another; infinite if one is not finite."""
    if not (math.isfinite(before) and math.isfinite(after)):
        return math.inf
    return after / before if before > 0.0 else 1.0


def _is_harm(harm: Vector, error: float) -> bool:
    """Check whether the mean of paired differences is shown to be above 0."""
    edge = NormalDist().inv_cdf(1.0 - error) * harm.std() / np.sqrt(len(harm))
    return bool(harm.mean() > edge)


def _capped(shares: Vector, fog: npt.NDArray[np.bool_]) -> Vector:
    """Return the shares with no fog node's above ``MORE`` median ones, and the same sum."""
    if not fog.any():
        return shares
    most = MORE * float(np.median(shares[fog]))
    if not (shares[fog] > most).any():
        return shares
    capped = np.where(fog, np.minimum(shares, most), shares)
    scaled: Vector = capped * (shares.sum() / capped.sum())
    return scaled


def _copies_once(trial: Trial, shares: Vector, of: npt.NDArray[np.bool_]) -> tuple[Vector, bool]:
    r"""Return the shares of the plain merge, and whether copies are counted once in them.

    Copies of an update divide one share among them. An update counts $1 / \sum_j s_{ij}$. Here
    $s_{ij}$ is the cosine of i and j, scaled such that 0 is the lower quartile of all pairs and 1
    is a copy. Only the updates in ``of`` [k] are compared.
    """
    numbers = np.flatnonzero(of)
    if len(numbers) < 3:
        return shares, False
    cosines = trial.weighing.cosines()[np.ix_(numbers, numbers)]
    usual = float(np.quantile(cosines[~np.eye(len(numbers), dtype=bool)], 0.25))
    if not usual < 1.0 - 1e-6:  # nearly all are the same, or not finite
        return shares, False
    alike = np.clip((cosines - usual) / (1.0 - usual), 0.0, 1.0)
    once = shares.copy()
    once[numbers] /= alike.sum(axis=1)
    once[numbers] *= shares[numbers].sum() / once[numbers].sum()
    copied = bool(np.abs(once - shares).sum() / 2.0 > COPIES * shares.sum())
    return (once if copied else shares), copied


def _shares_of(shares: Vector, kept: npt.NDArray[np.bool_]) -> Vector:
    """Return the shares in the plain merge of only the kept updates, with the same sum."""
    chosen = np.where(kept, shares, 0.0)
    return chosen / chosen.sum() * shares.sum() if chosen.sum() > 0.0 else chosen


def _with_rest(merge: Vector, even: Vector) -> Vector:
    """Return a merge with a small part of it replaced by ``even``; zeros if the merge is zero."""
    return (1.0 - REST) * merge + REST * even if merge.any() else merge


class _EnoughError(Exception):
    """All evaluations are used up."""
