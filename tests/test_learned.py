"""The learned gate, on losses whose best merge is known."""

import dataclasses
import math
import zlib

import numpy as np
import pytest

from fog_flower.tasks.scores import Evaluation, Scores
from strategies.gate import Slope, Trial, Weighing
from strategies.gates.cloud_alone import CloudAlone
from strategies.gates.learned import REST, Learned

EXAMPLES = 2000
RNG = np.random.default_rng(0)
NO_ERRORS = np.zeros(2)
NOISE = RNG.normal(scale=0.05, size=EXAMPLES)


@dataclasses.dataclass(frozen=True)
class Losses(Scores):
    """Scores that are nothing but losses, with the group of each example."""

    of_each: np.ndarray
    of_group: np.ndarray
    right = np.zeros(0, bool)
    finite = True
    chance = 1.0

    @property
    def losses(self):
        return self.of_each

    @property
    def groups(self):
        return self.of_group

    def first(self, count):
        return Losses(self.of_each[:count], self.of_group[:count])

    def then(self, more):
        raise AssertionError

    def mean(self):
        return Evaluation(float(self.losses.mean()), np.nan)


def cosines(deltas):
    units = [delta / max(np.linalg.norm(delta), 1e-300) for delta in deltas]
    return np.array(units) @ np.array(units).T


def trial(deltas, target, shares=None, own=None, errors=0.0):
    """Return a trial in which W is at the origin and a merge costs its distance to ``target``.

    The loss is 0.1 + |merge - target|^2, and each example's differs a little.
    """
    deltas, target = np.asarray(deltas, float), np.asarray(target, float)
    count = len(deltas)
    shares = np.full(count, 1 / count) if shares is None else np.asarray(shares, float)

    def loss(weights):
        return 0.1 + float(np.square(weights @ deltas - target).sum())

    def slope(weights, examples, importance=None, sharpness=1.0, parts=1):
        gradient = 2 * deltas @ (weights @ deltas - target)
        losses = np.full(examples, loss(weights))
        scores = score(weights, 0, examples)
        steepest = 2 * float(np.linalg.norm(weights @ deltas - target))
        return Slope(
            losses, gradient, 0.0, scores, np.full(count, errors), steepest, deltas.shape[1]
        )

    def score(weights, start, stop):
        own = np.random.default_rng(zlib.crc32(weights.tobytes())).normal(scale=0.02, size=EXAMPLES)
        return Losses(loss(weights) + (NOISE + own)[start:stop], np.zeros(stop - start, np.int64))

    return Trial(
        [float(np.linalg.norm(delta)) for delta in deltas],
        lambda *_: pytest.fail("no subset is asked about"),
        EXAMPLES,
        weighing=Weighing(
            shares, slope, score, lambda n: np.zeros(n, np.int64), lambda: cosines(deltas), own
        ),
    )


def judged(deltas, target, gate=None, **options):
    decisions = (gate or Learned()).judge(trial(deltas, target, **options))
    return [d.accepted for d in decisions], [d.weight for d in decisions], decisions


def test_honest_updates_that_agree_are_merged_plainly_and_by_two_evaluations():
    deltas = [[1.0, 0.1], [1.0, -0.1], [1.1, 0.0]]
    asked = []
    one = trial(deltas, [1.0, 0.0])
    slope = one.weighing.slope

    def counted(*arguments):
        asked.append(arguments)
        return slope(*arguments)

    object.__setattr__(one.weighing, "slope", counted)
    decisions = Learned().judge(one)
    assert [d.accepted for d in decisions] == [True] * 3
    assert all(np.isnan(d.weight) for d in decisions)  # as much as the strategy gives each
    assert "certified" in decisions[0].reason
    assert len(asked) == 2


@pytest.mark.parametrize("length", [0.01, 1.0, 1000.0])
def test_who_leads_away_gets_no_weight_however_long_it_is(length):
    deltas = [[1.0, 0.1], [1.0, -0.1], [-length, 0.0], [-length, 0.01]]
    accepted, weights, _ = judged(deltas, [1.0, 0.0])
    assert accepted == [True, True, False, False]
    assert sum(weights[:2]) == pytest.approx(1.0, abs=0.05)


def test_an_update_too_short_to_be_stretched_in_float32_is_left_out():
    """Stretched to the length of the others, it would make every merge with it infinite."""
    deltas = [[1.0, 0.1], [1.0, -0.1], [-1.0, 0.0], [1e-40, 0.0]]
    accepted, weights, _ = judged(deltas, [1.0, 0.0])
    assert accepted == [True, True, False, False]
    assert sum(weights[:2]) == pytest.approx(1.0, abs=0.05)
    assert weights[3] == 0.0


def test_a_plain_merge_is_certified_with_the_updates_as_they_are_in_it():
    """By hand: the last is cut to c, so that F = [(2 + c) / 3, 0], and its slope is c times theirs.

    So the mean slope is above the least one by (c - 1) / 3 times that.
    """
    deltas, cut = [[1.0, 0.1], [1.0, -0.1], [5.0, 0.0]], 2 * math.hypot(1.0, 0.1)
    too_far = (2 + cut) / 3 - 1.2
    left_behind = (cut - 1) / 3 * 2 * too_far
    gain = 1.0 - (0.1 + too_far**2)  # over the best constant answer
    for slack, told in ((1.03, True), (0.97, False)):
        gate = Learned(slack=slack * left_behind / gain, again=0)
        _, _, decisions = judged(deltas, [1.2, 0.0], gate)
        assert ("certified" in decisions[0].reason) == told


def test_one_honest_update_among_six_opposite_ones_is_enough():
    deltas = [[1.0, 0.0]] + [[-1.0, 0.0]] * 6
    accepted, weights, _ = judged(deltas, [1.0, 0.0])
    assert accepted == [True] + [False] * 6
    assert weights[0] == pytest.approx(1.0, abs=0.05)


@pytest.mark.parametrize("copies", [1, 2, 6])
@pytest.mark.parametrize("length", [0.1, 0.6, 3.0])
def test_the_learned_way_is_the_best_one_whatever_is_copied_or_refused(copies, length):
    deltas = [[length, 0.0]] * copies + [[-length, 0.0]]
    _, weights, decisions = judged(deltas, [0.74, 0.0], Learned(slack=0.0, margin=0.0))
    assert "learned" in decisions[0].reason
    assert np.nansum(weights) * length == pytest.approx(0.74, abs=0.05)


def test_free_riders_do_not_shorten_the_step():
    accepted, weights, _ = judged([[1.0, 0.0]] + [[0.0, 0.0]] * 6, [1.0, 0.0])
    assert accepted == [True] + [False] * 6
    assert weights[0] == pytest.approx(1.0, abs=0.05)


def test_claimed_numbers_of_examples_decide_nothing():
    deltas = [[1.0, 0.0], [1.0, 0.05], [-1.0, 0.0]]
    accepted, weights, _ = judged(deltas, [1.0, 0.025], shares=[0.0005, 0.0005, 0.999])
    assert accepted == [True, True, False]
    assert sum(weights[:2]) == pytest.approx(1.0, abs=0.05)


def test_where_all_lead_away_w_is_kept():
    accepted, _, decisions = judged([[-1.0, 0.0]] * 3, [1.0, 0.0])
    assert accepted == [False] * 3
    assert decisions[0].reason == "rejected: no merge is better than W"


def test_the_cloud_s_own_update_survives_when_all_others_lead_away():
    deltas = [[-1.0, 0.0]] * 3 + [[0.5, 0.0]]
    accepted, weights, _ = judged(deltas, [1.0, 0.0], own=3)
    assert accepted == [False] * 3 + [True]
    assert weights[3] == pytest.approx(2.0, rel=0.05)


def test_a_converged_model_refuses_nobody_for_differences_that_mean_nothing():
    deltas = [[0.001, 0.0], [0.0, 0.001], [-0.001, 0.0]]
    accepted, *_ = judged(deltas, [0.0, 0.0])
    assert accepted == [True] * 3


def test_of_an_enormous_update_only_the_direction_counts():
    deltas = np.array([[0.8, 0.3], [1e12, -1e11]])
    accepted, weights, _ = judged(deltas, [1.0, 0.0], Learned(margin=0.0, slack=0.0))
    assert accepted == [True, True]
    assert np.asarray(weights) @ deltas == pytest.approx([1.0, 0.0], abs=0.1)


def test_without_slack_the_door_is_shut_and_the_same_is_found():
    deltas = [[1.0, 0.1], [1.0, -0.1], [1.1, 0.0]]
    accepted, _, decisions = judged(deltas, [1.03, 0.0], Learned(slack=0.0))
    assert accepted == [True] * 3
    assert "certified" not in decisions[0].reason


def test_the_cloud_alone_takes_nobody_and_needs_examples():
    accepted, weights, _ = judged([[1.0, 0.0], [0.5, 0.0]], [1.0, 0.0], CloudAlone(), own=1)
    assert (accepted, weights[1]) == ([False, True], 1.0)
    with pytest.raises(ValueError, match="set cloud-examples"):
        judged([[1.0, 0.0]], [1.0, 0.0], CloudAlone())


def of_two_classes(deltas, harmed_by):
    """Return a trial in which the second update helps the nine, and harms the one class.

    Class 0, nine tenths of the examples, wants the merge at [1, 1]; class 1 wants it at [1, 0],
    and minds the second direction ``harmed_by`` times as much.
    """
    deltas = np.asarray(deltas, float)
    groups = (np.arange(EXAMPLES) % 10 == 0).astype(np.int64)
    noise = np.random.default_rng(3).normal(scale=0.02, size=EXAMPLES)

    def parts(weights):
        x, y = weights @ deltas
        of_class = [(x - 1) ** 2 + (y - 1) ** 2, (x - 1) ** 2 + harmed_by * y**2]
        slopes = [2 * np.array([x - 1, y - 1]), 2 * np.array([x - 1, harmed_by * y])]
        return np.array(of_class), np.array(slopes)

    def slope(weights, count, importance=None, sharpness=1.0, pieces=1):
        importance = np.ones(count) if importance is None else importance
        losses, slopes = parts(weights)
        shares = np.array([importance[groups[:count] == g].sum() for g in (0, 1)])
        gradient = shares / shares.sum() @ slopes
        of_each = 0.1 + losses[groups[:count]] + noise[:count]
        scores, steepest = Losses(of_each, groups[:count]), float(np.linalg.norm(gradient))
        return Slope(of_each, deltas @ gradient, 0.0, scores, NO_ERRORS, steepest, 2)

    def score(weights, start, stop):
        losses = 0.1 + parts(weights)[0][groups[start:stop]] + noise[start:stop]
        return Losses(losses, groups[start:stop])

    norms = [float(np.linalg.norm(delta)) for delta in deltas]
    weighing = Weighing(
        np.full(2, 0.5), slope, score, lambda count: groups[:count], lambda: cosines(deltas)
    )
    return Trial(norms, lambda *_: pytest.fail("nobody asks"), EXAMPLES, weighing=weighing)


def test_who_helps_the_mean_and_harms_one_class_gets_less_weight():
    one = of_two_classes([[1.0, 0.0], [0.0, 1.0]], harmed_by=3.0)
    blind = [d.weight for d in Learned(again=0, slack=0.0, margin=0.0).judge(one)]
    seeing = [d.weight for d in Learned(again=3, slack=0.0, margin=0.0).judge(one)]
    assert blind[0] == pytest.approx(1.0, abs=0.05)
    assert blind[1] == pytest.approx(0.9 / (0.9 + 0.3), abs=0.05)  # the minimum of the mean
    assert seeing[0] == pytest.approx(1.0, abs=0.1)
    # Harmed at 0.75, the class counts 4 times as much; then it is better off than before.
    assert seeing[1] == pytest.approx(0.9 / (0.9 + 4 * 0.3), abs=0.05)


def test_the_door_is_shut_where_a_class_is_harmed():
    one = of_two_classes([[1.0, 0.8], [1.0, 1.2]], harmed_by=3.0)
    assert "certified" in Learned(again=0, slack=100.0).judge(one)[0].reason
    assert "certified" not in Learned(slack=100.0).judge(one)[0].reason


def test_a_slope_that_is_not_shown_gives_a_small_share_at_most_however_little_the_way_costs():
    deltas = [[1.0, 0.0], [0.0, 0.1]]  # the second leads downhill by 0.04 a step
    shown = [d.weight for d in Learned(slack=0.0, margin=0.0).judge(trial(deltas, [1.0, 0.2]))]
    assert shown[1] > 0.5
    vague = trial(deltas, [1.0, 0.2], errors=0.06)
    doubted = Learned(slack=0.0, margin=0.0).judge(vague)
    assert doubted[0].weight == pytest.approx(1.0, abs=0.1)
    assert 0.1 * doubted[1].weight <= REST * doubted[0].weight  # in lengths


def test_what_leads_downhill_by_no_more_than_chance_gets_a_small_share_at_most():
    size = 400
    honest, noise = np.zeros(size), np.zeros(size)
    honest[0], noise[1], target = 1.0, 1.0, np.zeros(size)
    target[:2] = 1.0, 0.05  # a cosine of 0.05, and chance gives noise 0.05 every other time
    decisions = Learned(slack=0.0).judge(trial([honest, noise], target))
    assert decisions[1].weight <= REST * decisions[0].weight
    target[1] = 0.5
    decisions = Learned(slack=0.0).judge(trial([honest, noise], target))
    assert decisions[1].weight > 0.25 * decisions[0].weight


def test_few_weights_are_no_reason_to_believe_nobody():
    decisions = Learned(slack=0.0).judge(trial([[1.0, 0.0], [0.0, 1.0]], [1.0, 0.5]))
    assert decisions[1].weight > 0.25 * decisions[0].weight


def test_copies_count_once_and_who_agrees_as_all_do_is_no_copy():
    size = 8
    honest = np.eye(size)[:4] + 0.5  # any two agree alike
    copies = [honest[0]] * 3
    target = honest.mean(axis=0)
    decisions = Learned(slack=100.0).judge(trial([*honest, *copies], target))
    assert decisions[0].reason == "accepted: the plain merge, copies counted once, is certified"
    weights = np.array([d.weight for d in decisions])
    assert weights[[0, 4, 5, 6]].sum() == pytest.approx(0.25)
    assert weights[1:4] == pytest.approx(0.25)
    alone = Learned(slack=100.0).judge(trial(honest, target))
    assert alone[0].reason == "accepted: the plain merge is certified"


def test_who_learning_gave_much_is_merged_at_its_own_pace():
    weak = [[0.15, 0.8], [0.15, -0.8], [0.15, 0.81], [0.15, -0.81]]
    deltas = [[1.2, 0.0], [1.2, 0.05], *weak]  # each leads downhill
    decisions = Learned(slack=0.0, margin=0.1, much=0.5).judge(trial(deltas, [1.0, 0.0]))
    assert decisions[0].reason == "accepted: the plain merge of the strong is taken"
    assert all(d.accepted for d in decisions)
    steps = [d.weight * np.linalg.norm(delta) for d, delta in zip(decisions, deltas, strict=True)]
    assert steps[0] == pytest.approx(0.6, rel=0.1)  # half of its own: they are two
    assert 0.0 < steps[2] < 0.1 * steps[0]


@pytest.mark.parametrize("opposite", [0, 3])
def test_who_only_repeats_others_is_not_refused_for_it(opposite):
    honest = [[0.4, 0.1], [0.4, -0.1], [0.4, 0.0], [0.4, 0.02]]  # too short: F is worse
    one = trial(honest + [[-0.4, 0.0]] * opposite, [1.0, 0.0])
    decisions = Learned(slack=0.0).judge(one)
    assert [d.accepted for d in decisions] == [True] * 4 + [False] * opposite
    weights = np.array([d.weight for d in decisions[:4]])
    assert "learned" in decisions[0].reason
    assert weights @ np.array(honest) == pytest.approx([1.0, 0.0], abs=0.1)
    assert weights.min() > 0.25 * weights.max()


def test_a_plainer_merge_may_leave_a_margin_of_what_the_learned_one_gains():
    deltas = [[0.9, 0.0], [0.9, 0.01], [-0.1, 0.0]]  # plain: 0.57 of the way, without the third 0.9
    plain = Learned(slack=0.0, margin=0.05).judge(trial(deltas, [1.0, 0.0]))
    assert plain[0].reason == "accepted: the plain merge of these is taken"
    strict = Learned(slack=0.0, margin=0.0).judge(trial(deltas, [1.0, 0.0]))
    assert "learned" in strict[0].reason


def test_the_cloud_s_own_is_believed_whatever_its_slope_is():
    deltas = [[1.0, 0.0], [0.0, 0.1]]
    own = trial(deltas, [1.0, 0.1], errors=0.03, own=1)
    assert Learned(slack=0.0, margin=0.0).judge(own)[1].weight > 0.5


def test_where_nothing_is_left_to_gain_nobody_is_refused_for_it():
    deltas = [[0.01, 0.0], [0.0, 0.01], [-0.01, 0.0]]  # around the best merge there is
    accepted, _, _ = judged(deltas, [0.0, 0.0])
    assert accepted == [True] * 3


def test_who_leads_uphill_is_left_out_though_the_harm_of_one_round_is_not_shown():
    deltas = [[0.03, 0.0], [0.03, 0.001], [-0.12, 0.0]]  # F goes back by 0.02
    decisions = Learned().judge(trial(deltas, [0.03, 0.0], errors=0.002))
    assert decisions[0].reason == "accepted: the plain merge of these is taken"
    assert [d.accepted for d in decisions] == [True, True, False]


def test_where_nothing_is_learned_half_of_a_plain_merge_that_goes_too_far_is_taken():
    decisions = Learned().judge(trial([[2.2, 0.0], [2.2, 0.1]], [1.0, 0.0], errors=5.0))
    assert decisions[0].reason == "accepted: half of the plain merge is taken"
    assert [d.weight for d in decisions] == [0.25, 0.25]


def test_where_nothing_leads_down_or_up_a_small_part_of_the_way_is_shared_out():
    deltas = [[1.0, 0.0], [1.0, 0.1], [-0.2, 0.0], [100.0, 0.0]]
    accepted, weights, decisions = judged(deltas, [0.0, 0.0])
    assert accepted == [True] * 4
    assert decisions[0].reason == "accepted: a small part of the way is taken"
    steps = np.array(weights) * np.linalg.norm(deltas, axis=1)
    assert steps == pytest.approx(REST * 0.2 / 4)  # as long as the shortest of them


def test_the_flat_end_of_an_enormous_step_is_no_gain_for_a_w_that_knows_less_than_nothing():
    """W costs 3, an answer that looks at no input 1, and far away all costs 0.98 and is flat."""
    deltas = np.array([[1.0, 0.0], [1.0, 0.01], [1.0, -0.01], [0.0, 60.0]])

    def flattened(weights):
        x, y = weights @ deltas
        return (0.98, True) if abs(y) > 5.0 else (3.0 - 2.9 * x - 0.01 * y, False)

    def slope(weights, examples, importance=None, sharpness=1.0, parts=1):
        loss, flat = flattened(weights)
        along = np.zeros(4) if flat else deltas @ np.array([-2.9, -0.01])
        scores = score(weights, 0, examples)
        return Slope(np.full(examples, loss), along, 0.0, scores, np.zeros(4), 2.9, 2)

    def score(weights, start, stop):
        return Losses(flattened(weights)[0] + NOISE[start:stop], np.zeros(stop - start, np.int64))

    shares = np.full(4, 0.25)
    weighing = Weighing(shares, slope, score, lambda n: np.zeros(n, np.int64), lambda: np.eye(4))
    norms = [float(np.linalg.norm(delta)) for delta in deltas]
    asked = Trial(norms, lambda *_: pytest.fail("no subset"), EXAMPLES, weighing=weighing)
    decisions = Learned().judge(asked)
    assert decisions[0].with_update.loss < 1.0  # certified, the last one cut to twice the others
    assert decisions[3].weight < 0.25 * 2 / 59


@pytest.mark.parametrize("length", [1e-3, 1e3])
def test_lengths_of_a_minority_neither_shorten_nor_lead_a_plain_merge(length):
    deltas = np.full((7, 8), -0.05) + np.vstack([np.eye(7), np.zeros(7)]).T * 0.4
    deltas[:, 7] += 1.0
    usual = float(np.linalg.norm(deltas[0]))
    deltas[4:] *= length
    target = np.append(np.zeros(7), 1.0)
    _, weights, decisions = judged(deltas, target, Learned(slack=1e9))
    assert ("long updates cut, is certified" in decisions[0].reason) == (length > 1.0)
    steps = np.nan_to_num(weights, nan=1 / 7) * np.linalg.norm(deltas, axis=1)
    assert steps[:4] == pytest.approx(usual / 7)
    assert steps[4:] == pytest.approx(usual / 7 * min(length, 2.0))


SIX = [[1.0, 0.1], [1.0, -0.1], [1.1, 0.0], [1.0, 0.05], [0.9, 0.0], [1.0, 0.2]]


def with_steps(one: Trial, rises, at_start=0.9):
    """Let a step of training change the loss of each local model by a known factor."""
    asked = []

    def train(weights, count, at_once):
        assert count == 125
        if not at_once:
            return 1.0, 1.0
        numbers = np.flatnonzero(weights)
        assert set(weights) <= {0.0, 1.0}
        asked.append(tuple(numbers))
        assert len(numbers) < 2
        return 2.0, 2.0 * (rises[numbers[0]] if len(numbers) else at_start)

    object.__setattr__(one.weighing, "train", train)
    return one, asked


def test_an_update_from_which_training_explodes_is_refused_and_the_others_judged_without_it():
    rises = [0.9, 4.0, 1.0, 0.5, np.nan, 0.9]
    one, asked = with_steps(trial(SIX, [1.0, 0.0]), rises)
    decisions = Learned().judge(one)
    for number in (1, 4):
        assert not decisions[number].accepted
        assert decisions[number].reason == "rejected: training explodes from it"
    rest = [0, 2, 3, 5]
    alone = Learned().judge(trial([SIX[n] for n in rest], [1.0, 0.0]))
    assert [decisions[n] for n in rest] == alone
    assert asked == [(0,), (1,), (2,), (3,), (4,), (5,), ()]


def test_where_a_step_from_w_raises_the_loss_too_only_worse_ones_are_refused():
    one, _ = with_steps(trial(SIX, [1.0, 0.0]), [1.1, 1.3, 0.9, 1.2, 1.3, 1.0], at_start=1.2)
    accepted = [decision.accepted for decision in Learned().judge(one)]
    assert accepted == [True, False, True, True, False, True]


def test_no_step_is_tried_from_the_cloud_s_own_nor_if_none_is_asked_for():
    one, asked = with_steps(trial(SIX, [1.0, 0.0], own=5), [0.9] * 5)
    assert all(decision.accepted for decision in Learned().judge(one))
    assert asked == [(0,), (1,), (2,), (3,), (4,)]
    one, asked = with_steps(trial(SIX, [1.0, 0.0]), [9.0] * 6)
    assert all(decision.accepted for decision in Learned(tried=0).judge(one))
    assert asked == []


def many_with_poison(poison, count=64, uphill=()):
    """Return a trial of many good updates, and a list of the merges that are tried.

    Training explodes if a merge has enough of the poison, of which each update has an amount.
    """
    rng = np.random.default_rng(0)
    deltas = np.tile([[1.0, 0.0]], (count, 1)) + rng.normal(size=(count, 2)) * 0.1
    deltas[list(uphill)] *= -1.0
    one, tried = trial(deltas, [1.0, 0.0]), []
    poison = np.array([poison.get(number, 0.0) for number in range(count)])

    def train(weights, examples, at_once):
        tried.append((weights, examples, at_once))
        return 1.0, 9.0 if weights @ poison > 0.2 else 0.9

    object.__setattr__(one.weighing, "train", train)
    return one, tried


def test_of_many_updates_only_the_merge_that_is_taken_is_tried_at_twice_its_step():
    one, tried = many_with_poison({})
    decisions = Learned().judge(one)
    assert all(decision.accepted for decision in decisions)
    assert [(count, at_once) for _, count, at_once in tried] == [(125, True), (125, False)]
    taken = np.array([decision.weight for decision in decisions])
    for weights, *_ in tried:
        assert weights == pytest.approx(2 * np.where(np.isnan(taken), 1 / 64, taken))


def test_if_training_explodes_from_it_each_local_model_is_tried_and_the_rest_judged_again():
    poison = dict.fromkeys(range(40, 50), 1.0)
    one, tried = many_with_poison(poison)
    decisions = Learned().judge(one)
    assert [n for n, decision in enumerate(decisions) if not decision.accepted] == list(poison)
    assert {decisions[n].reason for n in poison} == {"rejected: training explodes from it"}
    alone = [(np.flatnonzero(w)[0], count) for w, count, _ in tried if np.count_nonzero(w) == 1]
    assert sorted(alone) == sorted([(n, 4000 // 64) for n in range(64)] * 2)


def test_poison_is_found_though_others_hide_it_who_are_refused():
    poison = dict.fromkeys(range(40, 50), 1.0) | dict.fromkeys(range(3), -9.0)
    one, _ = many_with_poison(poison, uphill=range(3))
    reasons = [decision.reason for decision in Learned(slack=0.0).judge(one)]
    assert reasons[:3] == ["rejected: the loss rises along it"] * 3
    assert reasons[40:50] == ["rejected: training explodes from it"] * 10


@pytest.mark.parametrize(("count", "each_first"), [(10, True), (11, False)])
def test_up_to_ten_local_models_are_tried_before_they_are_judged(count, each_first):
    one, tried = many_with_poison({}, count)
    Learned().judge(one)
    assert (np.count_nonzero(tried[0][0]) == 1) == each_first


def test_where_training_explodes_from_all_nothing_is_accepted():
    one, _ = with_steps(trial(SIX, [1.0, 0.0]), [9.0] * 6)
    assert not any(decision.accepted for decision in Learned().judge(one))


def test_a_trial_of_some_updates_asks_about_those():
    deltas = np.array([[1.0, 0.0], [0.0, 2.0], [3.0, 3.0]])
    whole = trial(deltas, [1.0, 1.0], shares=[0.2, 0.3, 0.5], own=2, errors=0.5)
    part = whole.only([2, 0])
    assert part.norms == (whole.norms[2], whole.norms[0])
    assert part.weighing.shares == pytest.approx([5 / 7, 2 / 7])
    assert part.weighing.own == 0
    assert whole.only([0, 1]).weighing.own is None
    ours = part.weighing.slope(np.array([0.25, 0.5]), 10, None, 1.0, 1)
    theirs = whole.weighing.slope(np.array([0.5, 0.0, 0.25]), 10, None, 1.0, 1)
    assert ours.along == pytest.approx(theirs.along[[2, 0]])
    assert ours.losses == pytest.approx(theirs.losses)
    scores = part.weighing.score(np.array([0.25, 0.5]), 0, 10)
    assert scores.losses == pytest.approx(
        whole.weighing.score(np.array([0.5, 0.0, 0.25]), 0, 10).losses
    )
    assert part.weighing.cosines() == pytest.approx(np.array([[1, 0.5**0.5], [0.5**0.5, 1]]))


def test_learning_ends_where_it_has_settled():
    """With five directions and coarse steps, the best merge is approached from one to the next."""
    deltas = 0.3 + np.random.default_rng(1).normal(size=(5, 8)) * [2, 1, 1, 0.5, 0.5, 0.2, 0.2, 0.1]
    target = deltas.T @ [0.1, 0.3, 0.2, 0.5, 0.1]
    counts, left = [], []
    for settled in (1e-1, 1e-12):
        one = trial(deltas, target)
        slope, asked = one.weighing.slope, []

        def counted(*arguments, slope=slope, asked=asked):
            asked.append(arguments)
            return slope(*arguments)

        object.__setattr__(one.weighing, "slope", counted)
        decisions = Learned(settled=settled, evaluations=60, slack=0.0).judge(one)
        counts.append(len(asked))
        left.append(decisions[0].with_update.loss)
    assert counts[0] < counts[1]
    assert left[1] <= left[0] + 0.01


def test_who_explodes_in_the_clients_batches_is_refused_if_w_does_not_as_much():
    """From a loss of 1, which is also that of the best constant answer."""
    highest = [4.0, 9.0, 1.9, 3.0, np.inf, 3.7]
    for at_start, refused in ((1.0, [1, 4, 0]), (1.5, [1, 4, 0]), (2.0, [1, 4])):
        one = trial(SIX, [1.0, 0.0])

        def train(weights, count, at_once, at_start=at_start):
            assert count == 125
            if at_once:
                return 1.0, 0.9
            numbers = np.flatnonzero(weights)
            return 1.0, highest[numbers[0]] if len(numbers) else at_start

        object.__setattr__(one.weighing, "train", train)
        decisions = Learned().judge(one)
        found = {n for n, decision in enumerate(decisions) if "explodes" in decision.reason}
        assert found == {*refused, *({3, 5} if at_start == 1.0 else set())}


def test_a_low_loss_that_is_a_multiple_of_a_lower_one_is_no_explosion():
    one = trial(SIX, [1.0, 0.0])
    object.__setattr__(
        one.weighing, "train", lambda _, __, at_once: (0.01, 0.01 if at_once else 0.5)
    )
    assert all(decision.accepted for decision in Learned().judge(one))
