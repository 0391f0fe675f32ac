"""Learns the merge on one part of the validation examples, and certifies it on the other."""

import dataclasses
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from fog_flower.tasks.scores import Evaluation
from strategies.gate import Decision, Slope, Trial, Vector
from strategies.gates._directions import Directions
from strategies.gates._judged_merges import JudgedMerge, JudgedMerges, is_harm, known_losses
from strategies.gates._plain_merge import PLAIN, PlainMerge, plain_merge, shares_of
from strategies.gates._trial_training import leads_to_unstable, unstable
from strategies.gates._weight_search import WeightSearch

Groups = npt.NDArray[np.int64]
PARTS = 8  # parts of the examples, from whose slopes the standard errors are estimated
HALF = 0.5  # of the plain merge
FEW = 10  # up to so many updates, training is tried from each before the others are judged
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
    More than ten updates are judged first. If training explodes at twice the step of the merge that
    is taken, each local model is tried, and the updates are judged again.

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
        Number of examples on which training is tried; 0 tries none. If more than 32 local models
        are tried, they share 4,000 examples, but each gets 16.
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
        decisions: list[Decision] = []
        if len(trial) - (trial.weighing.own is not None) > FEW:
            decisions = self._judge(trial)
            if not leads_to_unstable(trial, _merge_of(trial, decisions), self.tried):
                return decisions
        kept = np.flatnonzero(~unstable(trial, self.tried))
        if decisions and len(kept) == len(trial):  # nobody is to be refused: as judged already
            return decisions
        decisions = [Decision(False, UNSTABLE, examples=self.tried, weight=0.0)] * len(trial)
        if len(kept):
            rest = trial if len(kept) == len(trial) else trial.only(kept.tolist())
            for number, decision in zip(kept, self._judge(rest), strict=True):
                decisions[number] = decision
        return decisions

    def _judge(self, trial: Trial) -> list[Decision]:
        """Take the plain merge if it is certified, and else choose among it, the learned and W."""
        half = max(trial.examples // 2, 1)
        count = min(self.examples or half, half)
        groups = trial.weighing.groups(count)
        before = trial.weighing.slope(np.zeros(len(trial)), count, None, 1.0, PARTS)
        ways = Directions(trial, before, self.error)
        plainly = plain_merge(trial, ways.beyond_chance)
        shares = plainly.merge()
        plain = trial.weighing.slope(shares, count, None, 1.0, 1)
        if self._certified(ways, plainly, plain, groups):
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
        weights = self._learn(ways, plainly, plain, groups)
        judged = JudgedMerges(trial, count, min(trial.examples, 2 * count))
        return self._choose(ways, plainly, weights, judged)

    def _certified(
        self, ways: Directions, plainly: PlainMerge, plain: Slope, groups: Groups
    ) -> bool:
        """Check whether the plain merge is certified; ``plain`` is the slope at it.

        A merge that is not finite never is.
        """
        if not plain.finite:
            return False
        along = plainly.cut * plain.along  # the updates as they are in the merge
        step = float(plainly.shares @ along) / float(plainly.shares.sum())
        left_behind = max(float((step - along).max()), 0.0)
        gain = float(_least(ways.at_w) - plain.losses.mean())
        if not (gain > 0.0 and left_behind <= self.slack * gain):
            return False
        if not self.again:
            return True
        return not self._suffering(ways.known, known_losses(plain.scores), groups)

    def _suffering(self, before: Vector, after: Vector, groups: Groups) -> list[np.intp]:
        """Return the groups that are shown to be answered worse after than before."""
        if not self.again:
            return []
        numbers = np.flatnonzero(np.bincount(groups) > 1)
        error = self.error / max(len(numbers), 1)
        return [number for number in numbers if is_harm((after - before)[groups == number], error)]

    def _learn(self, ways: Directions, plainly: PlainMerge, plain: Slope, groups: Groups) -> Vector:
        """Return the learned weights [k]; all 0 if no update leads downhill.

        Learning starts at W or at the plain merge of the updates that may get a weight, whichever
        has the lower loss. ``plain`` is the slope at the plain merge of all updates, and ``groups``
        those of the examples to learn on.
        """
        trial, before, count = ways.trial, ways.at_w, len(groups)
        none = np.zeros(len(trial))
        usable = (ways.norms > 0.0) & ways.downhill
        along = np.divide(before.along, ways.norms, out=none.copy(), where=usable)
        down = float(np.linalg.norm(np.maximum(-along, 0.0)))
        if not (np.isfinite(down) and down > 0.0):
            return none
        # One unit of x is one trusted length along an update.
        unit = np.divide(before.losses.mean() / down, ways.norms, out=none.copy(), where=usable)
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
            left = self.evaluations - 2 * (not attempt)
            search = WeightSearch(trial, count, unit, importance, left)
            found = search.best(start, known if importance is None else None, self.settled)
            weights: Vector = found[:-1] * unit
            if attempt == self.again:
                break
            scores = search.scores or trial.weighing.score(weights, 0, count)
            suffering = self._suffering(ways.known, known_losses(scores), groups)
            if not suffering:
                break
            importance = np.ones(count) if importance is None else importance
            importance[np.isin(groups, suffering)] *= self.boost
            start = found
        return weights

    def _choose(
        self, ways: Directions, plainly: PlainMerge, weights: Vector, judged: JudgedMerges
    ) -> list[Decision]:
        """Take the plainest candidate that is not shown to be worse than the others."""
        count = len(ways.trial)
        own = judged[ways.own] if ways.own.any() else None
        start, learned = judged[np.zeros(count)], judged[weights]
        for name, chosen in self._candidates(ways, plainly, weights, judged):  # noqa: B007  (used after the loop)
            if chosen.any() and not self._shown_worse(judged[chosen], start, learned, own):
                break
        else:
            reason, mean = "rejected: no merge is better than W", learned.scores.mean()
            rejected = Decision(False, reason, start.scores.mean(), mean, judged.stop, weight=0.0)
            return [rejected] * count
        is_plain = name == PLAIN
        joins = np.ones(count, bool) if is_plain else chosen > 0.0
        return [
            Decision(
                bool(joins[number]),
                f"accepted: {name} is taken"
                if joins[number]
                else f"rejected: {RISES if ways.uphill[number] else NOTHING}",
                start.scores.mean(),
                judged[chosen].scores.mean(),
                judged.stop,
                weight=np.nan if is_plain else float(chosen[number]),
            )
            for number in range(count)
        ]

    def _candidates(
        self, ways: Directions, plainly: PlainMerge, weights: Vector, judged: JudgedMerges
    ) -> Iterator[tuple[str, Vector]]:
        """Yield the candidates with their names, the plainest first; all-zero ones do not count."""
        norms, none = ways.norms, np.zeros(len(weights))
        joining = ways.beyond_chance | (weights > 0.0)
        rest = (joining | ways.not_uphill) & (norms > 0.0)
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
        yield "the cloud's own", ways.own
        length = REST * norms.min(initial=norms.max(), where=rest)
        part = length * shares_of(plainly.shares, rest)
        yield "a small part of the way", np.divide(part, norms, out=none.copy(), where=rest)

    def _shown_worse(
        self, one: JudgedMerge, start: JudgedMerge, learned: JudgedMerge, own: JudgedMerge | None
    ) -> bool:
        """Check whether a merge is shown to be worse than W, the learned one or the cloud's own.

        It is also worse if it is shown to answer a group worse than both W and the learned one.
        """
        if not one.scores.finite:
            return True
        if start.scores.finite and is_harm(one.calm - start.calm, self.error):
            return True
        others = [other for other in (learned, own) if other and other.scores.finite]
        spared = 0.0
        if learned.scores.finite and start.scores.finite:
            spared = self.margin * max(float((start.calm - learned.calm).mean()), 0.0)
        if any(is_harm(one.calm - other.calm - spared, self.error) for other in others):
            return True
        if not (self.again and start.scores.finite and learned.scores.finite):
            return False
        suffering = [
            self._suffering(other.known, one.known, one.scores.groups) for other in (start, learned)
        ]
        return bool(set.intersection(*map(set, suffering)))


def _merge_of(trial: Trial, decisions: Sequence[Decision]) -> Vector:
    """Return the weights [k] of the merge that follows from the decisions."""
    accepted = np.array([decision.accepted for decision in decisions])
    weights = np.array([decision.weight for decision in decisions])
    plain = shares_of(trial.weighing.shares, accepted)
    return np.where(accepted, np.where(np.isnan(weights), plain, weights), 0.0)


def _least(before: Slope) -> float:
    """Return the loss that a merge has to beat: W's, or the best constant answer's if lower."""
    return min(float(before.losses.mean()), before.scores.chance)


def _with_rest(merge: Vector, even: Vector) -> Vector:
    """Return a merge with a small part of it replaced by ``even``; zeros if the merge is zero."""
    return (1.0 - REST) * merge + REST * even if merge.any() else merge
