"""The cloud's own update: beside those of the fog nodes, and where there is nothing else."""

import math

import numpy as np
import pytest
from flwr.serverapp.strategy import FedAvg, FedMedian

from fog_flower.weights import add, from_record
from strategies.gate import Decision
from strategies.gates.cloud_alone import CloudAlone
from strategies.gates.open import Open
from strategies.judge import Judge
from strategies.updates import own_update
from tests.messages import WEIGHTS, DistanceEvaluator, OwnUpdate
from tests.runs import column, run_here, summary, updates, weights
from tests.test_odd_strategies import STEP, a_round, wrapper

OWN = OwnUpdate().update(WEIGHTS, 1).delta


class Diverges(OwnUpdate):
    def update(self, weights, server_round):
        return own_update([np.full_like(array, np.nan) for array in weights], len(self), 1.0)


def with_cloud(strategy, gate=None, trainer=None):
    judge = Judge(gate or Open(), DistanceEvaluator(WEIGHTS), trainer=trainer or OwnUpdate())
    wrapped = wrapper(strategy)
    wrapped.judge = judge
    return wrapped


def test_a_strategy_gets_it_as_one_more_reply_with_the_metrics_of_all():
    class Looks(FedAvg):
        def aggregate_train(self, server_round, replies):
            self.replies = replies = list(replies)
            return super().aggregate_train(server_round, replies)

    strategy = Looks()
    a_round(with_cloud(strategy))
    *nodes, own = (dict(reply.content["metrics"]) for reply in strategy.replies)
    assert len(nodes) == 3
    assert own["num-examples"] == 10
    assert own["accuracy"] == pytest.approx(np.mean([node["accuracy"] for node in nodes]))
    assert [set(node) for node in nodes] == [set(own)] * 3


def test_a_median_counts_it_and_gives_no_weights():
    strategy = with_cloud(FedMedian(), CloudAlone())
    arrays, _ = a_round(strategy)
    for array, expected in zip(from_record(arrays), add(WEIGHTS, OWN), strict=True):
        np.testing.assert_allclose(array, expected, rtol=1e-6)
    assert all(math.isnan(verdict.weight) for verdict in strategy.report.verdicts)


class Halves:
    def judge(self, trial):
        return [Decision(True, "half", weight=0.5 / len(trial))] * len(trial)


def test_a_gate_s_weights_that_nobody_uses_are_told_and_not_recorded():
    judge = Judge(Halves(), DistanceEvaluator(WEIGHTS))
    for strategy, used in ((FedMedian(), False), (FedAvg(), True)):
        wrapped = wrapper(strategy)
        wrapped.judge = judge
        arrays, _ = a_round(wrapped)
        factor = 0.5 if used else 1.0
        for array, start, step in zip(from_record(arrays), WEIGHTS, STEP, strict=True):
            np.testing.assert_allclose(array, start + factor * step, rtol=1e-6)
        assert ("the gate's are not used" in wrapped.report.note) != used
        assert {math.isnan(one.weight) for one in wrapped.report.verdicts} == {not used}


def test_beside_others_it_has_its_share_of_the_examples():
    strategy = with_cloud(FedAvg())
    arrays, _ = a_round(strategy)
    share = 10 / (3 * 10 + 10)
    assert strategy.report.cloud_weight == pytest.approx(share)
    merged = [(1 - share) * s + share * o for s, o in zip(STEP, OWN, strict=True)]
    for array, expected in zip(from_record(arrays), add(WEIGHTS, merged), strict=True):
        np.testing.assert_allclose(array, expected, rtol=1e-6)


def test_one_that_diverged_is_left_out_and_told():
    strategy = with_cloud(FedAvg(), trainer=Diverges())
    arrays, _ = a_round(strategy)
    for array, expected in zip(from_record(arrays), add(WEIGHTS, STEP), strict=True):
        np.testing.assert_allclose(array, expected, rtol=1e-6)
    assert "the cloud's own training diverged" in strategy.report.note
    assert math.isnan(strategy.report.cloud_weight)


def test_alone_it_is_all_that_is_merged():
    strategy = with_cloud(FedAvg(), CloudAlone())
    arrays, _ = a_round(strategy)
    for array, expected in zip(from_record(arrays), add(WEIGHTS, OWN), strict=True):
        np.testing.assert_allclose(array, expected, rtol=1e-6)
    assert (strategy.report.accepted, strategy.report.cloud_weight) == (0, 1.0)


def test_a_run_of_the_cloud_alone_finishes_whatever_the_nodes_send(make_config):
    settings = {"gate": "cloud-alone", "cloud_examples": 60, "num_server_rounds": 2}
    honest = run_here(make_config(**settings, run_name="honest"))
    attacked = run_here(
        make_config(**settings, run_name="attacked", attack="sign-flip", malicious_nodes=1)
    )
    assert summary(honest)["status"] == "finished"
    assert column(honest, "cloud_weight") == [1.0, 1.0]
    assert {row["accepted"] for row in updates(honest)} == {"False"}
    for one, other in zip(weights(honest), weights(attacked), strict=True):
        np.testing.assert_array_equal(one, other)


def test_runs_without_a_training_cloud_say_so(make_config):
    assert all(math.isnan(w) for w in column(run_here(make_config()), "cloud_weight"))
