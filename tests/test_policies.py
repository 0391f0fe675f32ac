"""Who joins the merge, on numbers that can be checked by hand."""

import math

import pytest

from fog_flower.evaluation import Evaluation
from strategies.policies import Alone, Greedy, OpenGate, Trial


def trial(losses, merge_loss, in_sequence=False):
    """Return a trial whose merges have the losses that ``merge_loss`` says (a frozenset's)."""
    return Trial(
        [Evaluation(loss, 0.5) for loss in losses],
        lambda numbers: Evaluation(merge_loss(frozenset(numbers)), 0.5),
        in_sequence,
    )


def accepted(policy, a_trial):
    return [decision.accepted for decision in policy.judge(a_trial)]


def mean_of(values):
    """W is at 1.0; a merge is as bad as the mean of its updates' values."""
    return lambda numbers: sum(values[n] for n in numbers) / len(numbers) if numbers else 1.0


def test_open_gate_accepts_all_without_a_single_evaluation():
    def never(_numbers):
        raise AssertionError

    assert accepted(OpenGate(), Trial([Evaluation(9.0, 0.1)] * 3, never)) == [True] * 3


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


@pytest.mark.parametrize("policy", [Greedy(0.1), Alone(0.1)])
def test_a_loss_that_is_not_a_number_is_never_accepted(policy):
    values = [math.nan, 0.5, math.inf]
    assert accepted(policy, trial(values, mean_of(values))) == [False, True, False]
    assert accepted(policy, trial([math.nan], mean_of([math.nan]))) == [False]


def test_in_sequence_each_is_judged_against_what_the_one_before_left():
    # 0 helps (1.0 -> 0.8), 1 hurts on top of it (0.9), 2 helps on top of 0 (0.7)
    losses = {(): 1.0, (0,): 0.8, (0, 1): 0.9, (0, 2): 0.7}

    def merge_loss(numbers):
        return losses[tuple(sorted(numbers))]

    for policy in (Greedy(0.0), Alone(0.0)):
        decisions = policy.judge(trial([0.1, 0.1, 0.1], merge_loss, in_sequence=True))
        assert [d.accepted for d in decisions] == [True, False, True]
        assert [d.without.loss for d in decisions] == [1.0, 0.8, 0.8]
        assert [d.with_update.loss for d in decisions] == [0.8, 0.9, 0.7]


def test_decisions_say_why_and_by_which_figures():
    values = [0.4, 9.0]
    first, second = Greedy(0.1).judge(trial(values, mean_of(values)))
    assert "best local model" in first.reason
    assert "merge worse" in second.reason
    assert (second.without.loss, second.with_update.loss) == (0.4, 4.7)
