"""The trusted gate, on models whose knowledge is known: logits of a given quality."""

import numpy as np
import pytest
from scipy.special import log_softmax

from fog_flower.tasks.classification import ClassScores
from fog_flower.tasks.scores import Directions
from strategies.gate import Trial
from strategies.gates._agreement import Agreement
from strategies.gates._paired_looks import SequentialTest
from strategies.gates.trusted import Trusted

IMAGES = 4000
RNG = np.random.default_rng(0)
LABELS = RNG.integers(0, 10, IMAGES)
NOISE = RNG.normal(size=(IMAGES, 10))
RIGHT = np.eye(10)[LABELS]


def scores(quality, *, sharpness=1.0, bias=0.0, own=0.0, seed=1):
    """Answer with logits quality * right + noise (``own`` of it not shared with others)."""
    noise = NOISE + own * np.random.default_rng(seed).normal(size=NOISE.shape)
    logits = sharpness * (quality * RIGHT + noise) + bias
    return ClassScores(log_softmax(logits, axis=1).astype(np.float32), LABELS)


def part(whole, start, stop):
    return ClassScores(whole.log_probabilities[start:stop], whole.labels[start:stop])


def judge(qualities, trust, gate=None, *, w=1.0, norms=None, merge=None, **options):
    """Judge updates whose merge has the mean of their qualities."""

    def score(numbers, start, stop):
        if merge:
            return part(merge(numbers), start, stop)
        known = [qualities[n] for n in numbers] or [w]
        return part(scores(float(np.mean(known))), start, stop)

    trial = Trial(norms or [1.0] * len(trust), score, IMAGES, lambda: trust, **options)
    return (gate or Trusted()).judge(trial)


def accepted(*arguments, **options):
    return [decision.accepted for decision in judge(*arguments, **options)]


def test_recalibration_undoes_confidence_and_favourites():
    plain = scores(1.5)
    changed = scores(1.5, sharpness=3.0, bias=RNG.normal(size=10))
    assert changed.losses.mean() > plain.losses.mean() + 0.3
    one, other = plain.recalibrated().mean(), changed.recalibrated().mean()
    assert other == pytest.approx(one, abs=1e-4)
    assert scores(1.0).recalibrated().mean() > one + 0.1  # what it knows stays
    warm = scores(1.5, sharpness=3.0).recalibrated(biases=False).mean()
    assert warm == pytest.approx(plain.recalibrated(biases=False).mean(), abs=1e-4)


def test_honest_updates_of_varying_luck_all_join():
    assert accepted([1.5, 1.48, 1.52, 1.5], [1.0, 0.7, 0.5, 0.9]) == [True] * 4


def test_one_honest_update_among_six_bad_ones_is_enough():
    trust = [-0.9, -0.8, 1.0, -0.7, 0.0, -0.2, -0.5]
    assert accepted([0.2, 0.1, 1.5, 0.3, 0.2, 0.1, 0.0], trust) == [
        False,
        False,
        True,
        False,
        False,
        False,
        False,
    ]


def test_what_agrees_may_do_a_little_harm_and_what_leads_away_none():
    # 1.5 and 1.47 merge to 1.485: about half a percent more loss
    assert accepted([1.5, 1.47], [1.0, 1.0]) == [True, True]
    assert accepted([1.5, 1.47], [1.0, -0.5]) == [True, False]
    assert accepted([1.5, 0.5], [1.0, 1.0]) == [True, False]


def test_a_tolerance_never_covers_more_than_part_of_what_is_known():
    """Near chance, 5% of the loss is more than all knowledge; a quarter of it is the bound."""

    def score(numbers, start, stop):
        return part(scores({(0,): 0.6, (1,): 0.4}[numbers]), start, stop)

    trial, test = Trial([1.0] * 2, score, IMAGES), SequentialTest(0)
    loss, harmed = (float(trial.losses(numbers).mean()) for numbers in ((0,), (1,)))
    known = trial.chance(IMAGES) - loss
    assert 0.25 * known < harmed - loss < 0.05 * loss
    assert not test.is_worse(trial, (0,), (1,), 0.05).worse
    assert test.is_worse(trial, (0,), (1,), 0.05, 0.25).worse
    assert not test.is_worse(trial, (0,), (1,), 0.05, (harmed - loss) / known + 0.01).worse
    even = ClassScores(np.zeros((4, 2), np.float32), np.array([0, 0, 1, 1]))
    assert even.chance == pytest.approx(np.log(2))


def test_being_less_sure_of_itself_is_no_gain():
    """As a sign-flipped update does late in training: it halves the step, and the confidence."""

    def merge(numbers):
        return scores(1.5, sharpness=4.0 if numbers == (0,) else 1.0)

    sure, less = merge((0,)).mean().loss, merge((0, 1)).mean().loss
    assert less < 0.8 * sure
    assert accepted([], [1.0, -1.0], merge=merge) == [True, False]


def test_zeros_are_refused_and_named():
    zero, _ = judge([1.5, 1.5], [0.0, 1.0], norms=[0.0, 1.0])
    assert (zero.accepted, zero.reason) == (False, "rejected: zero, contributes nothing")


def test_a_merge_far_worse_than_w_is_not_taken():
    decisions = judge([0.4, 0.4], [1.0, 0.9], w=3.0)
    assert [d.accepted for d in decisions] == [False, False]
    assert "1.3 times W's" in decisions[0].reason
    assert accepted([0.4, 0.4], [1.0, 0.9], Trusted(guard=np.inf), w=3.0) == [True, True]


def test_trusted_updates_that_balance_each_other_get_a_second_chance():
    """Each of two heavy ones outweighs the small first one, together they are the best."""
    quality = {(): 1.0, (0,): 1.2, (0, 1): 0.8, (0, 2): 0.8, (0, 1, 2): 1.5}

    def merge(numbers):
        return scores(quality.get(numbers, 1.1))  # the heavy ones alone

    decisions = judge([], [1.0, 0.9, 0.8], merge=merge)
    assert [d.accepted for d in decisions] == [True, True, True]
    assert "with all trusted" in decisions[1].reason
    quality[(0, 1, 2)] = 1.19  # a little harm is forgiven to the well trusted alone
    assert accepted([], [1.0, 0.9, 0.8], merge=merge) == [True, True, True]
    assert accepted([], [1.0, 0.9, 0.1], merge=merge) == [True, False, False]


def test_the_first_is_not_clearly_worse_alone_than_another_one():
    """The right direction, too far: what it leaves knows little, and the next merges nothing."""
    quality = {(0,): 0.4, (1,): 1.5, (2,): 1.5, (0, 1): 0.5, (1, 2): 1.6, (0, 1, 2): 0.8}
    decisions = judge([], [1.0, 0.6, 0.5], merge=lambda numbers: scores(quality.get(numbers, 0.3)))
    assert [d.accepted for d in decisions] == [False, True, True]
    assert decisions[1].reason == "accepted: most trusted"


def test_an_update_that_leaves_a_model_without_answers_is_refused_and_spoils_nobody():
    """Finite numbers, but so large that the model answers NaN; whatever its direction is."""

    def merge(numbers):
        if 0 in numbers:
            return ClassScores(np.full((IMAGES, 10), np.nan, np.float32), LABELS)
        return scores(1.5)

    for options in ({}, {"in_sequence": True}):
        decisions = judge([], [1.0, 0.6, 0.1], merge=merge, **options)
        assert [d.accepted for d in decisions] == [False, True, True]
        assert decisions[0].reason == "rejected: W with it answers with NaN"
    assert accepted([], [1.0], merge=merge) == [False]


def test_an_update_that_is_too_long_and_ruins_w_is_refused_though_nothing_is_known_yet():
    def merge(numbers):
        return scores(0.1, sharpness=30.0 if 0 in numbers else 1.0)

    trust = [1.0, 0.9, 0.8]
    decisions = judge([], trust, merge=merge, norms=[50.0, 1.0, 2.0])
    assert [d.accepted for d in decisions] == [False, True, True]
    assert "far longer than another one" in decisions[0].reason
    # Neither is enough by itself: nodes have data of their own.
    ruin = judge([], trust, merge=merge, norms=[3.9, 1.0, 2.0])
    length = judge([1.5] * 3, trust, norms=[50.0, 1.0, 2.0])
    assert not any("far longer" in d.reason for d in (*ruin, *length))


def test_in_sequence_nobody_is_first_by_trust():
    assert accepted([0.5, 1.6], [0.2, 1.0], w=1.5, in_sequence=True) == [False, True]


def test_few_images_decide_as_all_of_them_would():
    """Random pairs on the edge and off it: at least 99 of 100 decisions are the same."""
    rng = np.random.default_rng(3)
    early, full = SequentialTest(250), SequentialTest(0)
    same, images = 0, 0
    pairs = 100
    for number in range(pairs):
        first, second = 1.5, 1.5 + rng.normal(scale=0.15)
        answers = {(0,): scores(first, own=0.3, seed=number), (1,): scores(second, own=0.3)}

        def score(numbers, start, stop, answers=answers):
            return part(answers[numbers], start, stop)

        trial = Trial([1.0, 1.0], score, IMAGES)
        quick = early.is_worse(trial, (0,), (1,), 0.01)
        same += quick.worse == full.is_worse(trial, (0,), (1,), 0.01).worse
        images += quick.examples
    assert same >= 0.99 * pairs
    assert images < 0.6 * pairs * IMAGES


def test_looks_double_and_end_with_all():
    assert SequentialTest(500).looks(2000) == [500, 1000, 2000]
    assert SequentialTest(500).looks(1700) == [500, 1000, 1700]
    assert SequentialTest(500).looks(300) == [300]
    assert SequentialTest(0).looks(300) == [300]


def directions(overall, labels, by_class):
    def weights(vector):
        return [np.asarray(vector, np.float32)]

    return Directions(weights(overall), weights(labels), [weights(c) for c in by_class])


def test_agreement_by_hand():
    # digits pull along the first two axes; what they share is the third, labels tell the fourth
    by_class = [[1, 0, 1, 0], [-1, 0, 1, 0], [0, 1, 1, 0], [0, -1, 1, 0]]
    agreement = Agreement(directions([0.3, 0, 1, 0], [0, 0, 0, 1], by_class))
    updates = [[0, 0, 1, 2], [1.5, 0, 1, 8], [0, 0, -1, -2], [0, 0, -2, 1], [3, 0, 3, 0]]
    trust = agreement.trust(np.asarray(updates, np.float32))
    assert trust[0] == pytest.approx(1.0)
    # cosines with (0, 0, 1, 0.75): 2 / sqrt 5 is the best, and 0.3 of it is the edge
    best, second = 2 / np.sqrt(5), 7 / 1.25 / np.sqrt(67.25)
    assert trust[1] == pytest.approx(1 - (best - second) / (0.3 * best), abs=0.001)
    assert trust[2] == pytest.approx(-1.0)
    assert trust[3] == pytest.approx(-1.0)
    assert trust[4] == pytest.approx(1.0)  # all it has seen is the first digit


def test_agreement_asks_for_directions_and_not_for_sizes():
    by_class = [[1, 0, 1, 0], [-1, 0, 1, 0], [0, 1, 1, 0], [0, -1, 1, 0]]
    agreement = Agreement(directions([0.3, 0, 1, 0], [0, 0, 0, 1], by_class))
    updates = np.array([[0, 0, 1, 1], [1, 2, 3, 4], [0, 0, 0, 0], [0, 1, -1, 0]], np.float32)
    expected = agreement.trust(updates)
    for size in (1e-30, 1e20, 8e37):
        sizes = np.array([[1], [size], [1], [size]], np.float32)
        assert agreement.trust(updates * sizes) == pytest.approx(expected, abs=1e-5)


def test_a_cloud_whose_own_training_diverges_trusts_nobody_and_goes_on():
    numbers = [np.nan, 0, 0, 0], [np.inf, 0, 0, 0], [[3e38] * 4, [0, 1, 1, 0]]
    agreement = Agreement(directions(*numbers))
    assert agreement.trust(np.eye(4, dtype=np.float32)[[0, 3]]) == [0.0, 0.0]


def test_where_cosines_are_small_chance_moves_them_all_the_same():
    by_class = [[1, 0, 0], [-1, 0, 0]]
    agreement = Agreement(directions([0, 0, 1], [0, 0, 1], by_class))
    updates = [[0, np.sqrt(1 - c**2), c] for c in (0.1, 0.0, -0.2)]
    trust = agreement.trust(np.asarray(updates, np.float32))
    assert trust == pytest.approx([1.0, 1 - 0.1 / 0.105, -1.0], abs=0.001)


def test_no_agreement_at_all_is_no_trust_and_no_distrust():
    by_class = [[1, 0, 0], [0, 1, 0]]
    agreement = Agreement(directions([0, 0, 1], [0, 0, 1], by_class))
    trust = agreement.trust(np.array([[0, 0, -1], [0, 0, 0]], np.float32))
    assert trust == [0.0, 0.0]


def test_nodes_that_lead_elsewhere_join_together_where_that_helps():
    """Each of two skewed ones makes the merge worse by itself; together they make it better."""
    quality = {(): 1.0, (0,): 1.2, (0, 1): 0.8, (0, 2): 0.8, (0, 1, 2): 1.5}

    def merge(numbers):
        return scores(quality.get(numbers, 1.0))  # the skewed ones alone

    assert accepted([], [1.0, 0.2, -0.4], merge=merge) == [True] * 3
    assert accepted([], [1.0, -0.5, -1.0], merge=merge) == [True] * 3
    quality[(0, 1, 2)] = 1.2  # no gain: enough for some trust, not for none
    assert accepted([], [1.0, 0.2, 0.1], merge=merge) == [True] * 3
    assert accepted([], [1.0, 0.2, -0.4], merge=merge) == [True, False, False]


def test_where_none_agrees_nobody_is_called_most_trusted():
    assert judge([1.5, 1.4], [1.0, 0.5])[0].reason == "accepted: most trusted"
    first = judge([1.5, 1.4], [0.0, 0.0])[0]
    assert (first.accepted, first.reason) == (True, "accepted: none agrees, the first")
