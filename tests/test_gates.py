"""Who joins the merge, on numbers that can be checked by hand."""

import math

import pytest

from strategies.gate import Trial
from strategies.gates.alone import Alone
from strategies.gates.greedy import Greedy
from strategies.gates.open import Open
from strategies.gates.zeno import Zeno
from tests.messages import constant_scores


def trial(losses, merge_loss, in_sequence=False):
    """Return a trial whose merges have the losses that ``merge_loss`` says (a frozenset's)."""
    return Trial(
        [1.0] * len(losses),
        lambda numbers, start, stop: constant_scores(merge_loss(frozenset(numbers)), stop - start),
        10,
        in_sequence=in_sequence,
    )


def accepted(gate, a_trial):
    return [decision.accepted for decision in gate.judge(a_trial)]


def mean_of(values):
    """W is at 1.0; a merge is as bad as the mean of its updates' values."""
    return lambda numbers: sum(values[n] for n in numbers) / len(numbers) if numbers else 1.0


def test_open_gate_accepts_all_without_a_single_evaluation():
    def never(*_):
        raise AssertionError

    assert accepted(Open(), Trial([1.0] * 3, never, 10)) == [True] * 3


def test_alone_stalls_where_greedy_does_not():
    # Every local model is worse than W (1.0), every merge of two or more is better: paper.md.
    def merge_loss(numbers):
        return {0: 1.0, 1: 1.2, 2: 0.9, 3: 0.8}[len(numbers)]

    honest = trial([1.2, 1.2, 1.2], merge_loss)
    assert accepted(Alone(), honest) == [False] * 3
    assert accepted(Greedy(0.0), honest) == [True] * 3


def test_greedy_leaves_out_what_spoils_the_merge_whatever_its_place():
    values = [5.0, 0.5, 0.4, 9.0, 0.45]
    assert accepted(Greedy(0.2), trial(values, mean_of(values))) == [
        False,
        True,
        True,
        False,
        True,
    ]


def test_greedy_needs_a_single_honest_one_among_many():
    values = [9.0, 9.0, 9.0, 0.5, 9.0, 9.0, 9.0]
    assert accepted(Greedy(0.02), trial(values, mean_of(values))).count(True) == 1


@pytest.mark.parametrize(("tolerance", "joins"), [(0.0, False), (0.2, False), (0.3, True)])
def test_tolerance_is_relative(tolerance, joins):
    # the merge of both has loss 0.5, the better one alone 0.4: a quarter more
    values = [0.4, 0.6]
    assert accepted(Greedy(tolerance), trial(values, mean_of(values))) == [True, joins]


def test_equal_loss_is_not_worse():
    assert accepted(Greedy(0.0), trial([0.5, 0.5], lambda n: 0.5)) == [True, True]


@pytest.mark.parametrize("gate", [Greedy(0.1), Alone(0.1)])
def test_a_loss_that_is_not_a_number_is_never_accepted(gate):
    values = [math.nan, 0.5, math.inf]
    assert accepted(gate, trial(values, mean_of(values))) == [False, True, False]
    assert accepted(gate, trial([math.nan], mean_of([math.nan]))) == [False]


def test_in_sequence_each_is_judged_against_what_the_one_before_left():
    # 0 helps (1.0 -> 0.8), 1 hurts on top of it (0.9), 2 helps on top of 0 (0.7)
    losses = {(): 1.0, (0,): 0.8, (0, 1): 0.9, (0, 2): 0.7}

    def merge_loss(numbers):
        return losses[tuple(sorted(numbers))]

    for gate in (Greedy(0.0), Alone(0.0)):
        decisions = gate.judge(trial([0.1, 0.1, 0.1], merge_loss, in_sequence=True))
        assert [d.accepted for d in decisions] == [True, False, True]
        assert [d.without.loss for d in decisions] == pytest.approx([1.0, 0.8, 0.8])
        assert [d.with_update.loss for d in decisions] == pytest.approx([0.8, 0.9, 0.7])


def test_decisions_say_why_and_by_which_figures():
    values = [0.4, 9.0]
    first, second = Greedy(0.1).judge(trial(values, mean_of(values)))
    assert "best local model" in first.reason
    assert "merge worse" in second.reason
    assert (second.without.loss, second.with_update.loss) == pytest.approx((0.4, 4.7))


def test_every_image_is_evaluated_once_for_each_merge():
    asked = []

    def score(numbers, start, stop):
        asked.append((numbers, start, stop))
        return constant_scores(0.5, stop - start)

    a_trial = Trial([1.0, 1.0], score, 8)
    for images in (2, 4, 3, 0):
        assert len(a_trial.scores([1, 0], images).labels) == (images or 8)
    assert asked == [((0, 1), 0, 2), ((0, 1), 2, 4), ((0, 1), 4, 8)]


def test_zeno_by_hand():
    # W is at 1.0; descents 0.5, 0.6, -8, 0.55, fines 0.01 |dW|^2 = 0.01, 1, 0.01, 0.01
    values = [0.5, 0.4, 9.0, 0.45]
    a_trial = trial(values, mean_of(values))
    a_trial.norms = (1.0, 10.0, 1.0, 1.0)
    decisions = Zeno(rho=0.01, removed=2).judge(a_trial)
    assert [d.accepted for d in decisions] == [True, False, False, True]
    assert "score 0.4900" in decisions[0].reason
    assert accepted(Zeno(rho=0.0), a_trial) == [True, True, False, True]  # a minority of one
