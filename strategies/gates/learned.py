"""Learn the merge on one part of the validation examples, certify it on the other."""

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
SURER = 2.0  # by what factor answers may be surer, or less sure, than they should be
DOUBT = 1.0  # standard errors by which a slope has to lead downhill
PARTS = 8  # of the examples: how far their slopes differ says how sure a slope is
COPIES = 0.1  # of a merge that may be due to copies before they are counted once
LITTLE = 0.1  # of the steepest slope: in a model of few weights chance alone gives so much
LONGER = 2.0  # by what factor lengths may differ where slopes are to certify anything
HALF = 0.5  # of the plain merge
PLAIN = "the plain merge"
RISES, NOTHING = "the loss rises along it", "it adds nothing to the rest"
REST = 1 / 32  # of the way, for all that are not shown to lead uphill


@dataclasses.dataclass(frozen=True)
class Learned:
    r"""Learns how far to go along each update, unless the plain merge is as good.

    The nearest published method is FedLAW (Li et al. 2023, ICML), which learns shares and a
    shrinking factor on a proxy set. Three steps, on disjoint parts of the validation examples:

    1. The plain merge F of all updates is taken unchanged if it is certified. With $s_i$ the slope
       of the loss at F along $dW_i$ and $m$ the slope along the plain step, convexity says that
       the mean of no subset of the updates has a loss below $L(F) - \max_i (m - s_i)$. F is
       certified if that is at most ``slack`` times what F gained, over W and over an answer that
       looks at no input, and no group (class) is shown to be answered worse than by W. In this and
       all plain merges copies count once, and no update is longer than twice the shortest of those
       along which the loss falls by more than chance.
    2. Otherwise weights $\alpha_i \ge 0$ are learned that minimise $L(W + \sum_i \alpha_i dW_i)$,
       by L-BFGS-B in units of a trusted length: Polyak's step $L(W) / |\max(-c, 0)|$ with $c_i$
       the slope at W along $dW_i / |dW_i|$. So neither lengths, nor copies, nor claimed numbers of
       examples decide anything. An update gets none unless the loss is shown to fall along it at
       W: by a standard error of the slope, and by more than chance gives to noise (whose cosine
       with the gradient has a deviation of $1 / \sqrt d$, with d weights). Noise leads nowhere, and
       costs nothing at once, but adds up. How sure the answers are is learned with the weights (a
       temperature, Guo et al. 2017, arXiv:1706.04599), within a factor of two: to be less sure is
       no merit of a short step. Groups that are shown to be told apart worse than by W count
       ``boost`` times as much, and the weights are learned again: who harms one class alone hardly
       moves the mean (multiplicative weights, as in group DRO, Sagawa et al. 2020,
       arXiv:1911.08731).
    3. On the other part, paired one-sided tests, of losses at the best temperature, within a factor
       of two again: the plainest merge is taken that is not shown to be worse than W, nor, by
       ``margin`` times what the learned one gained, than the learned one or the cloud's own update
       alone, nor to answer a group worse than W and the learned one do. From the plainest on:

       - F, if its mean loss is at most that of the next one, or if there is none and no update is
         shown to lead uphill: near convergence no harm is shown in one round, and it adds up;
       - the plain merge of all updates along which the loss falls by more than chance;
       - that of those alone to which learning gave a step of ``much`` of the longest;
       - half of F, if the learned one is not shown to be better than W, and half of F tells more
         apart than both: where clients hold different classes, each leads uphill, and what is
         best after this round leads nowhere;
       - the learned merge, with and without the rest (below); then the cloud's own;
       - a small part of the way of all that are not shown to lead uphill, each as long as the
         shortest of them: nobody is refused for differences that mean nothing.

       W is kept where all are shown to be worse. A plain merge is worth a margin because it goes at
       the clients' own pace: what is best after this step is shorter than what is best after the
       run. In all but F a small part of the way (the rest) is shared out evenly among all updates
       that are not shown to lead uphill at W, because what only repeats others gets no weight while
       learning, and is no worse for it.

    Attributes
    ----------
    examples : int
        On which is learned, and as many on which is certified; 0: half of all each.
    evaluations : int
        Of loss and slope while learning, at most.
    error : float
        Chance with which what is no worse is taken to be worse (one-sided paired tests).
    slack : float
        How much of a round's gain a certified plain merge may leave behind; 0 always learns.
    margin : float
        How much of what the learned merge gained a plainer one may leave behind.
    much : float
        Of the longest step that learning gave, what another needs to be merged plainly with it.
    again : int
        How often weights are learned again for groups that suffer; 0: groups do not matter.
    boost : float
        By how much such a group counts more each time.
    """

    examples: int = 1000
    evaluations: int = 12
    error: float = 0.01
    slack: float = 0.25
    margin: float = 0.1
    much: float = 0.25
    again: int = 2
    boost: float = 4.0

    def judge(self, trial: Trial) -> list[Decision]:
        """Take the plain merge, the learned one, or none."""
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
        """Tell whether the plain merge is taken; ``slopes`` are those at W and there."""
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
        """Return weights [k]; zeros where no update leads downhill.

        Parameters
        ----------
        trial : Trial
        count : int
            Examples to learn on.
        plainly : _Plain
            The plain merge.
        before, plain : Slope
            At W and at the plain merge; learning begins at the better one, of the merge without
            updates that get no weight.
        known_before : float64 [count]
            What W knows of each example.
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
        start = np.append(start, 0.0)  # and the sharpness, of which the logarithm
        importance: Vector | None = None
        for attempt in range(self.again + 1):
            search = _Search(trial, count, unit, importance, self.evaluations - 2 * (not attempt))
            found = search.best(start, known if importance is None else None)
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
        """Return whose slope at W is shown to lead downhill; the cloud's own is known to."""
        edge = np.nan_to_num(DOUBT * before.errors)
        downhill = self._beyond_chance(trial, before) & (before.along < -edge)
        if trial.weighing.own is not None:
            downhill[trial.weighing.own] = True
        return downhill

    def _deviations(self, trial: Trial) -> float:
        """Return how many standard errors show something of one of the updates."""
        return NormalDist().inv_cdf(1.0 - self.error / max(len(trial), 1))

    def _beyond_chance(self, trial: Trial, before: Slope) -> npt.NDArray[np.bool_]:
        """Return along which updates the loss falls by more at W than along noise as long."""
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
        """Take the plainest merge that is not shown to be worse than others."""
        stop = min(trial.examples, 2 * count)
        judged = _Judgements(trial, count, stop)
        none = np.zeros(len(trial))
        alone = none if trial.weighing.own is None else np.eye(len(trial))[trial.weighing.own]
        own = judged[alone] if alone.any() else None
        start, learned = judged[none], judged[weights]
        candidates = self._candidates(trial, plainly, weights, alone, before, judged)
        for name, chosen in candidates:  # noqa: B007  (used behind the loop)
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
        """Yield the merges to choose from, the plainest first; empty ones are none."""
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
        """Tell whether a merge is shown to be worse than W, the learned one or the cloud's own.

        Or to answer a group worse than both W and the learned one do.
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
    """A merge with its scores, and what is fitted to them, once."""

    def __init__(self, merge: Vector, scores: Scores) -> None:
        self.merge, self.scores = merge, scores

    @functools.cached_property
    def calm(self) -> Vector:
        """The losses at the best temperature."""
        return self.scores.recalibrated(biases=False, at_most=SURER)

    @functools.cached_property
    def known(self) -> Vector:
        """The losses that say what can be told apart."""
        return _known(self.scores)


class _Judgements:
    """Merges, judged once each on the examples that certify."""

    def __init__(self, trial: Trial, first: int, stop: int) -> None:
        self._trial, self._first, self._stop = trial, first, stop
        self._known: dict[bytes, _Judged] = {}

    def __getitem__(self, merge: Vector) -> _Judged:
        key = merge.tobytes()  # two candidates may be the same
        if key not in self._known:
            scores = self._trial.weighing.score(merge, self._first, self._stop)
            self._known[key] = _Judged(merge, scores)
        return self._known[key]

    def no_worse(self, one: Vector, other: Vector) -> bool:
        """Tell whether the mean loss of one merge is at most that of another."""
        if not (self[one].scores.finite and self[other].scores.finite):
            return self[one].scores.finite
        return bool(self[one].calm.mean() <= self[other].calm.mean())

    def stalls(self, merge: Vector, error: float) -> bool:
        """Tell whether a merge is not shown to be better than W."""
        start = self[np.zeros(len(merge))]
        if not (self[merge].scores.finite and start.scores.finite):
            return True
        return not _is_harm(start.calm - self[merge].calm, error)

    def knows_more(self, one: Vector, other: Vector) -> bool:
        """Tell whether one merge tells more apart than another, and than W, on average."""
        if not self[one].scores.finite:
            return False
        others = [self[each] for each in (other, np.zeros(len(one)))]
        known = [each.known.mean() for each in others if each.scores.finite]
        return all(self[one].known.mean() < mean for mean in known)


@dataclasses.dataclass(frozen=True)
class _Plain:
    """The plain merge, with copies counted once and long updates cut."""

    shares: Vector  # of each update [k]
    cut: Vector  # by which factor each is shortened [k]; 1 where it is not
    told: str

    def merge(self, kept: npt.NDArray[np.bool_] | None = None) -> Vector:
        """Return the weights [k] of the plain merge of all, or of those that are kept alone."""
        return (self.shares if kept is None else _shares_of(self.shares, kept)) * self.cut


def _plain(trial: Trial, downhill: npt.NDArray[np.bool_]) -> _Plain:
    """Return the plain merge, in which no update is much longer than the shortest that leads down.

    Enormous steps end where the model says the same of all inputs and all slopes are flat, or hide
    what no input shows and no later training gets over. The cloud's own may be as long as it is.
    """
    shares, copied = _copies_once(trial, downhill)
    lengths, fog = np.asarray(trial.norms, np.float64), np.ones(len(trial), bool)
    if trial.weighing.own is not None:
        fog[trial.weighing.own] = False
    counted = fog & (downhill if (fog & downhill).any() else lengths > 0.0)
    longest = LONGER * lengths.min(initial=np.inf, where=counted)
    long = fog & (lengths > longest)
    cut = np.divide(longest, lengths, out=np.ones(len(trial)), where=long)
    changed = ["copies counted once"] * copied + ["long updates cut"] * bool(long.any())
    told = f"{PLAIN}, {' and '.join(changed)}," if changed else PLAIN
    return _Plain(shares, cut, told)


class _Search:
    """Minimises the loss over the weights of updates, in units, with few evaluations."""

    def __init__(
        self, trial: Trial, count: int, unit: Vector, importance: Vector | None, evaluations: int
    ) -> None:
        self._trial, self._count, self._unit = trial, count, unit
        self._importance, self._left = importance, max(evaluations, 1)
        self._least = np.inf
        self._found = np.zeros(len(unit) + 1)
        self.scores: Scores | None = None  # at what was found

    def best(self, start: Vector, known: Slope | None) -> Vector:
        """Return the best weights in units and log sharpness [k + 1]; ``known`` is at ``start``."""
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
            minimize(objective, start, jac=True, method="L-BFGS-B", bounds=bounds)
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
    """Return the losses [k] that say what can be told apart.

    Temperature and favourite answers are forgiven: a model that begins to learn first finds out
    which classes are frequent, and seems to unlearn the others.
    """
    return scores.recalibrated() if scores.finite else scores.losses


def _least(before: Slope) -> float:
    """Return the loss that a merge has to be below: that of W, and that of knowing nothing."""
    return min(float(before.losses.mean()), before.scores.chance)


def _is_harm(harm: Vector, error: float) -> bool:
    """Tell whether the mean of paired differences is shown to be above 0."""
    edge = NormalDist().inv_cdf(1.0 - error) * harm.std() / np.sqrt(len(harm))
    return bool(harm.mean() > edge)


def _copies_once(trial: Trial, of: npt.NDArray[np.bool_]) -> tuple[Vector, bool]:
    r"""Return the shares of the plain merge, and whether copies are counted once in them.

    Who sends what another one sends takes that one's share, or what it adds would count twice. An
    update counts $1 / \sum_j s_{ij}$, with $s_{ij}$ how much closer i and j are to one another than
    a quarter of all pairs are, from 0 to 1 (copies). Only some, ``of`` [k], are compared.
    """
    shares, numbers = trial.weighing.shares, np.flatnonzero(of)
    if len(numbers) < 3:
        return shares, False
    cosines = trial.weighing.cosines()[np.ix_(numbers, numbers)]
    usual = float(np.quantile(cosines[~np.eye(len(numbers), dtype=bool)], 0.25))
    if not usual < 1.0 - 1e-6:  # all are the same, or not finite
        return shares, False
    alike = np.clip((cosines - usual) / (1.0 - usual), 0.0, 1.0)
    once = shares.copy()
    once[numbers] /= alike.sum(axis=1)
    once[numbers] *= shares[numbers].sum() / once[numbers].sum()
    copied = bool(np.abs(once - shares).sum() / 2.0 > COPIES * shares.sum())
    return (once if copied else shares), copied


def _shares_of(shares: Vector, kept: npt.NDArray[np.bool_]) -> Vector:
    """Return what each update weighs in the plain merge of those that are kept alone."""
    chosen = np.where(kept, shares, 0.0)
    return chosen / chosen.sum() * shares.sum() if chosen.sum() > 0.0 else chosen


def _with_rest(merge: Vector, even: Vector) -> Vector:
    """Return a merge of which a small part of the way is shared out evenly; empty if it is."""
    return (1.0 - REST) * merge + REST * even if merge.any() else merge


class _EnoughError(Exception):
    """All evaluations are used up."""
