"""Robust rules of other people, on rows whose answer is computed by hand."""

import math

import numpy as np
import pytest
from flwr.app import ConfigRecord
from flwr.serverapp.strategy import FedAvg

from fog_flower.weights import from_record, to_record
from strategies.enough_nodes import cannot_compute, problem_with
from strategies.rules import RULES
from strategies.rules.centered_clip import CenteredClip
from strategies.rules.central_dp import CentralDP
from strategies.rules.dnc import DnC
from strategies.rules.fltrust import FLTrust
from strategies.rules.geometric_median import GeometricMedian
from strategies.rules.nnm import NNM
from strategies.rules.norm_clip import NormClip
from tests.messages import WEIGHTS, FakeGrid, OwnUpdate, answer

ONES = np.ones(5)
FAR = np.array([[1.0, 0.0], [1.0, 0.2], [1.0, -0.2], [1.1, 0.0], [-100.0, 50.0]])


def test_the_geometric_median_of_points_on_a_line_is_their_middle_one():
    rows = np.array([[0.0], [1.0], [2.0], [3.0], [1000.0]])
    assert GeometricMedian(iterations=200).step(rows, ONES)[0] == pytest.approx(2.0, abs=1e-2)
    few = GeometricMedian().step(rows, ONES)[0]  # three steps from the mean, 201.2, on
    assert 2.0 < few < 201.2


def test_the_geometric_median_counts_examples():
    rows = np.array([[0.0], [10.0]])
    assert GeometricMedian(iterations=100).step(rows, np.array([3.0, 1.0]))[0] == pytest.approx(
        0.0, abs=1e-3
    )


def test_centered_clip_lets_nobody_pull_further_than_the_radius():
    rows = np.array([[0.0], [0.0], [0.0], [0.0], [1000.0]])
    assert CenteredClip(tau=1.0, iterations=1).step(rows, ONES)[0] == pytest.approx(0.2)
    assert CenteredClip(tau=1.0, iterations=2).step(rows, ONES)[0] == pytest.approx(0.24)
    assert np.linalg.norm(CenteredClip().step(FAR, ONES) - [1.02, 0.0]) < 0.1


def test_norm_clip_cuts_to_the_median_length_and_weighs_by_examples():
    rows = np.array([[1.0, 0.0], [0.0, 1.0], [30.0, 40.0]])
    np.testing.assert_allclose(NormClip().step(rows, np.ones(3)), [1.6 / 3, 1.8 / 3])
    np.testing.assert_allclose(
        NormClip(bound=0.5).step(rows, np.array([2.0, 1.0, 1.0])), [0.25 + 0.075, 0.125 + 0.1]
    )


def test_dnc_leaves_out_who_is_furthest_along_most_variance():
    np.testing.assert_allclose(DnC().step(FAR, ONES), FAR[:4].mean(axis=0))
    np.testing.assert_allclose(DnC(num_malicious_nodes=0).step(FAR, ONES), FAR.mean(axis=0))


def test_nnm_mixes_with_the_nearest_before_it_trims():
    rows = np.array([[0.0], [1.0], [2.0], [3.0], [100.0]])
    # the four nearest of each: 0-3, 0-3, 0-3, 0-3, and 1, 2, 3, 100
    assert NNM().step(rows, ONES)[0] == pytest.approx(1.5)
    assert NNM(rule="median").step(rows, ONES)[0] == pytest.approx(1.5)
    assert NNM(num_malicious_nodes=0, rule="trimmed-mean").step(rows, ONES)[0] == pytest.approx(
        21.2
    )


@pytest.mark.parametrize("rule", [NNM, DnC])
def test_without_an_honest_majority_they_are_refused(rule):
    strategy = rule(num_malicious_nodes=2)
    assert problem_with(strategy, 5) == ""
    assert "num_malicious_nodes=2 it needs at least 5 updates" in problem_with(strategy, 4)
    assert cannot_compute(strategy, 4) == "needs 5 updates, not 4"


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda: GeometricMedian(iterations=0), "iterations=0"),
        (lambda: CenteredClip(tau=-1.0), "tau=-1.0"),
        (lambda: NormClip(bound=-1.0), "bound=-1.0"),
        (lambda: CentralDP(clip=0.0), "clip=0.0"),
        (lambda: DnC(filter_fraction=0.0), "filter_fraction=0.0"),
        (lambda: NNM(rule="mean"), "rule='mean' must be median or trimmed-mean"),
    ],
)
def test_arguments_that_mean_nothing_are_named(make, words):
    with pytest.raises(ValueError, match=words.replace("(", ".")):
        make()


def test_every_rule_says_that_it_gives_weights_of_its_own():
    for name in RULES.names():
        assert RULES.load(name).item.weighted_mean is False


def test_fltrust_compares_with_what_the_cloud_trains_as_a_client():
    rule = FLTrust(min_available_nodes=2, min_train_nodes=2)
    rule.cloud_trainer = OwnUpdate()
    questions = rule.configure_train(1, to_record(WEIGHTS), ConfigRecord(), FakeGrid(2))
    own = OwnUpdate().update(WEIGHTS, 1).delta
    replies = [
        answer(question, [w + factor * step for w, step in zip(WEIGHTS, own, strict=True)], node)
        for node, (question, factor) in enumerate(zip(questions, (10.0, -1.0), strict=True))
    ]
    arrays, _ = rule.aggregate_train(1, replies)
    for merged, start, step in zip(from_record(arrays), WEIGHTS, own, strict=True):
        np.testing.assert_allclose(merged, start + step, rtol=1e-5)  # cut to its length


def test_central_dp_without_noise_divides_the_sum_of_what_is_cut_by_who_was_asked():
    rows = np.array([[3.0, 4.0], [0.3, 0.4], [0.0, 0.0]])
    rule = CentralDP(clip=1.0, noise=0.0, min_train_nodes=4)
    np.testing.assert_allclose(rule.step(rows, np.array([1.0, 100.0, 1.0])), [0.9 / 4, 1.2 / 4])


def test_central_dp_without_noise_and_clipping_is_fedavg_bit_for_bit():
    merges = []
    for rule in (CentralDP(clip=math.inf, noise=0.0), FedAvg(min_available_nodes=2)):
        rule.min_train_nodes = rule.min_available_nodes = 2
        questions = rule.configure_train(1, to_record(WEIGHTS), ConfigRecord(), FakeGrid(2))
        replies = [
            answer(question, [w + 0.1 * (node + 1) for w in WEIGHTS], node)
            for node, question in enumerate(questions)
        ]
        merges.append(from_record(rule.aggregate_train(1, replies)[0]))
    for one, other in zip(*merges, strict=True):
        assert np.array_equal(one, other)


def test_central_dp_counts_an_update_without_a_length_as_zero():
    rows = np.array([[3.0, 4.0], [np.nan, 0.0], [np.inf, 1.0]])
    rule = CentralDP(clip=1.0, noise=0.0, min_train_nodes=3)
    np.testing.assert_allclose(rule.step(rows, np.ones(3)), [0.6 / 3, 0.8 / 3])


def test_central_dp_adds_as_much_noise_as_its_epsilon_asks_for():
    rule = CentralDP(epsilon=2.0, clip=0.5, min_train_nodes=3, num_server_rounds=4)
    step = rule.step(np.zeros((3, 100_000)), np.ones(3))
    assert np.std(step) == pytest.approx(rule.noise * 0.5 / 3, rel=0.02)
    told = rule.guarantee(4)
    assert told.epsilon == pytest.approx(2.0, abs=0.01)
    assert (told.unit, told.part) == ("fog node", "dW")


def test_central_dp_draws_from_the_system_unless_it_is_to_be_repeatable():
    def drawn(source):
        np.random.seed(3)  # noqa: NPY002  (as before every round)
        return CentralDP(min_train_nodes=2, noise_source=source).step(np.zeros((2, 5)), np.ones(2))

    assert not np.array_equal(drawn("entropy"), drawn("entropy"))
    np.testing.assert_array_equal(drawn("seeded"), drawn("seeded"))


def test_behind_a_gate_central_dp_promises_nothing():
    told = CentralDP(gated=True).guarantee(1)
    assert not told.promises
    assert "the gate's choice" in told.uncovered[0]
