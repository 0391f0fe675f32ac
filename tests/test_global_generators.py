"""Flower's heartbeat draws from Python's generator whenever it beats: that changes no run."""

import random

import keras
import numpy as np
import pytest
from flwr.app import ConfigRecord, MetricRecord
from flwr.serverapp.strategy import FedAvg

from fog_flower.build_model import build_model, build_untrained
from fog_flower.errors import UserError
from fog_flower.weights import to_record
from simulations.engines.inline_grid import InlineGrid
from strategies.validated_merge import ValidatedMerge
from tests.conftest import SPEC, TASK
from tests.messages import WEIGHTS, FakeGrid
from tests.runs import assert_equal_weights, figures, run_here, who_trained

HERE = "tests.test_global_generators"


class AddsNoise(FedAvg):
    """Noise from both global generators, as a user's strategy may take it."""

    def aggregate_train(self, server_round, replies):
        arrays, metrics = super().aggregate_train(server_round, replies)
        scale = 0.01 * random.random()
        noisy = [
            (a + scale * np.random.normal(size=a.shape)).astype(a.dtype)  # noqa: NPY002
            for a in arrays.to_numpy_ndarrays()
        ]
        return type(arrays)(noisy), metrics


@pytest.mark.parametrize(
    "settings",
    [
        {"fog_nodes": 5, "strategy_args": "fraction_train=0.4,min_train_nodes=1"},
        {"strategy": f"{HERE}:AddsNoise"},
    ],
    ids=["draws-clients", "adds-noise"],
)
def test_a_heartbeat_changes_nothing(make_config, monkeypatch, settings):
    undisturbed = run_here(make_config(num_server_rounds=3, run_name="undisturbed", **settings))
    deliver = InlineGrid._deliver

    def beat_and_deliver(grid, message):
        random.random()
        np.random.random()  # noqa: NPY002
        return deliver(grid, message)

    monkeypatch.setattr(InlineGrid, "_deliver", beat_and_deliver)
    disturbed = run_here(make_config(num_server_rounds=3, run_name="disturbed", **settings))
    assert figures(disturbed) == figures(undisturbed)
    assert_equal_weights(disturbed, undisturbed)


def test_how_flower_names_its_nodes_changes_nothing(make_config, monkeypatch):
    """It gives them random ids, as a set: here they come the other way round, after a heartbeat."""
    settings = {"fog_nodes": 5, "strategy_args": "fraction_train=0.4,min_train_nodes=1"}
    before = run_here(make_config(num_server_rounds=3, run_name="before", **settings))
    named = InlineGrid.get_node_ids

    def beat_and_name(grid):
        random.random()
        return list(named(grid))[::-1]

    monkeypatch.setattr(InlineGrid, "get_node_ids", beat_and_name)
    after = run_here(make_config(num_server_rounds=3, run_name="after", **settings))
    assert who_trained(after) == who_trained(before)
    assert_equal_weights(after, before)


class EvaluatesTwice(FedAvg):
    """Asks for nodes twice in one round, and draws from them both times."""

    def __init__(self):
        super().__init__(fraction_evaluate=0.3, min_evaluate_nodes=1)
        self.drawn = []

    def configure_evaluate(self, server_round, arrays, config, grid):
        self.drawn = []
        for _ in range(2):
            messages = list(super().configure_evaluate(server_round, arrays, config, grid))
            self.drawn.append([message.metadata.dst_node_id for message in messages])
        return messages

    def aggregate_evaluate(self, server_round, replies):
        drawn = {"python": random.random(), "numpy": np.random.random()}  # noqa: NPY002
        return MetricRecord(drawn)


def test_evaluation_draws_the_same_and_a_second_draw_is_another():
    drawn = []
    for _ in range(2):
        random.seed()  # as a heartbeat leaves it
        np.random.seed()  # noqa: NPY002
        inner = EvaluatesTwice()
        wrapper = ValidatedMerge(inner, seed=5)
        wrapper.configure_evaluate(4, to_record(WEIGHTS), ConfigRecord({}), FakeGrid(20))
        drawn.append((inner.drawn, wrapper.aggregate_evaluate(4, [])))
    assert drawn[0] == drawn[1]
    (first, second), _ = drawn[0]
    assert first != second


def test_rounds_and_seeds_draw_other_clients(make_config):
    settings = {"fog_nodes": 5, "strategy_args": "fraction_train=0.4,min_train_nodes=1"}
    asked = []
    for seed in (1, 2):
        folder = run_here(
            make_config(num_server_rounds=4, seed=seed, run_name=f"seed-{seed}", **settings)
        )
        asked.append(who_trained(folder))
    of_a_round = {tuple(n for r, n in asked[0] if r == str(number)) for number in range(1, 5)}
    assert len(of_a_round) > 1
    assert asked[0] != asked[1]


def one_layer() -> keras.Model:
    return keras.Sequential(
        [
            keras.Input((32, 32, 3)),
            keras.layers.Flatten(),
            keras.layers.Dense(10, activation="softmax"),
        ]
    )


def beaten_once() -> keras.Model:
    if not beats:
        beats.append(random.random())
    return one_layer()


def never_the_same() -> keras.Model:
    random.seed()
    return one_layer()


beats: list[float] = []


def test_a_heartbeat_while_the_model_is_built_is_noticed():
    beats.clear()
    (expected, _) = build_model(f"{HERE}:one_layer", SPEC, TASK, 3).get_weights()
    disturbed, _ = build_model(f"{HERE}:beaten_once", SPEC, TASK, 3).get_weights()
    assert (disturbed != expected).any()
    beats.clear()
    found, _ = build_untrained(f"{HERE}:beaten_once", SPEC, TASK, 3).get_weights()
    np.testing.assert_array_equal(found, expected)


class KeepsANaN(keras.layers.Layer):
    """A weight that no answer depends on."""

    def build(self, _shape):
        self.add_weight(shape=(2,), initializer=lambda shape, dtype: np.full(shape, np.nan, dtype))

    def call(self, inputs):
        return inputs


def with_a_nan() -> keras.Model:
    inputs = keras.Input((32, 32, 3))
    return keras.Model(inputs, one_layer()(KeepsANaN()(inputs)))


def test_a_model_with_a_nan_is_the_same_as_itself():
    first, *_ = build_untrained(f"{HERE}:with_a_nan", SPEC, TASK, 3).get_weights()
    assert np.isnan(first).all()


def test_a_model_that_never_is_the_same_is_refused_with_the_remedy():
    with pytest.raises(
        UserError, match="different weights each time it is built; seed random draws"
    ):
        build_untrained(f"{HERE}:never_the_same", SPEC, TASK, 3)
