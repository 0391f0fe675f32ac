"""The Flower run is the paper's protocol: equal to the plain loop, and to FedAvg where neutral."""

from pathlib import Path

import numpy as np
import pytest

from clients.fog_node import NodeData
from clients.training import Trainer
from fog_flower.build_model import build_model
from fog_flower.errors import UserError
from fog_flower.weights import norm
from tests.conftest import SPEC, TASK
from tests.reference_loop import reference_loop
from tests.runs import (
    assert_equal_weights,
    column,
    figures,
    rounds,
    run_here,
    summary,
    updates,
    weights,
)


@pytest.mark.parametrize(
    ("model", "fog_nodes"),
    [("tests.small_models:small_mlp", 3), ("tests.small_models:small_mlp", 7), ("cnn", 3)],
)
def test_equals_the_reference_loop_over_three_rounds(make_config, model, fog_nodes):
    size = 96 if model == "cnn" else 350
    config = make_config(
        model=model,
        fog_nodes=fog_nodes,
        num_server_rounds=3,
        train_examples=size,
        validation_examples=60,
        test_examples=60,
        gate="open",
    )
    folder, reference = run_here(config), reference_loop(config)
    for ours, theirs in zip(weights(folder), reference.weights[-1], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5)
    np.testing.assert_allclose(column(folder, "train_loss"), reference.train_loss, rtol=1e-4)
    one_image = 1 / 60 + 1e-9  # an image on the edge may fall to either side
    for name, theirs, tolerance in (
        ("train_accuracy", reference.train_accuracy, 2 / size),
        ("local_validation_accuracy", reference.local_accuracy, one_image),
        ("cloud_validation_accuracy", reference.cloud_accuracy, one_image),
        ("test_accuracy", reference.test_accuracy, one_image),
    ):
        np.testing.assert_allclose(column(folder, name), theirs, atol=tolerance)


@pytest.mark.parametrize("fog_nodes", [1, 3])
def test_the_open_gate_equals_fedavg_bit_for_bit(make_config, fog_nodes):
    settings = {"fog_nodes": fog_nodes, "noise_sigma": 0.0, "num-server-rounds": 3}
    gated = run_here(make_config(**settings, gate="open", run_name="gated"))
    plain = run_here(make_config(**settings, gate="off", run_name="plain"))
    assert figures(gated) == figures(plain)
    assert_equal_weights(gated, plain)


def test_one_fog_node_without_noise_is_central_training(make_config):
    """With one node, W + dW is the local model: plain SGD over the whole training set."""
    config = make_config(
        fog_nodes=1, end_nodes=1, noise_sigma=0.0, num_server_rounds=2, gate="open"
    )
    folder = run_here(config)
    for row in rounds(folder)[1:]:
        assert float(row["cloud_validation_accuracy"]) == pytest.approx(
            float(row["local_validation_accuracy"]), abs=0.011
        )
    for ours, theirs in zip(weights(folder), reference_loop(config).weights[-1], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def test_a_cosine_lets_the_steps_fall_over_the_rounds(make_config):
    settings = {"num-server-rounds": 3, "gate": "open", "learning_rate_schedule": "cosine"}
    config = make_config(**settings, run_name="cosine")
    falling = run_here(config)
    for ours, theirs in zip(weights(falling), reference_loop(config).weights[-1], strict=True):
        np.testing.assert_allclose(ours, theirs, atol=2e-5)
    constant = run_here(make_config(num_server_rounds=3, gate="open", run_name="constant"))
    norms = [[float(row["update_norm"]) for row in updates(run)] for run in (falling, constant)]
    ratios = np.divide(*norms)
    np.testing.assert_array_equal(ratios[:3], 1)  # round 1: the same steps
    assert max(ratios[-3:]) < 0.5  # round 3: a quarter of them


def test_the_same_seed_gives_the_same_figures_and_weights_and_another_differs(make_config):
    one = run_here(make_config(seed=1, run_name="one"))
    same = run_here(make_config(seed=1, run_name="same"))
    other = run_here(make_config(seed=2, run_name="other"))
    assert figures(one) == figures(same)
    assert_equal_weights(one, same)
    assert figures(one) != figures(other)


def test_a_model_with_dropout_is_repeatable_too(make_config):
    settings = {"model": "tests.small_models:with_dropout"}
    one = run_here(make_config(**settings, run_name="one"))
    same = run_here(make_config(**settings, run_name="same"))
    assert_equal_weights(one, same)


def test_epoch_mean_uploads_the_mean_of_the_epochs(make_config):
    settings = {"fog_nodes": 1, "num-server-rounds": 1, "gate": "open", "local_epochs": 2}
    mean = run_here(make_config(**settings, upload="epoch-mean", run_name="mean"))
    last = run_here(make_config(**settings, upload="per-epoch", run_name="last"))
    first = run_here(make_config(**settings | {"local_epochs": 1}, run_name="first"))
    for m, w1, w2 in zip(weights(mean), weights(first), weights(last), strict=True):
        np.testing.assert_allclose(m, (w1 + w2) / 2, atol=1e-6)


def test_with_one_epoch_both_uploads_are_the_same(make_config):
    mean = run_here(make_config(upload="epoch-mean", run_name="mean"))
    last = run_here(make_config(upload="per-epoch", run_name="last"))
    assert figures(mean) == figures(last)
    assert_equal_weights(mean, last)


def test_a_validated_run_survives_a_nan_node_and_plain_fedavg_does_not(make_config):
    settings = {"fog_nodes": 7, "num-server-rounds": 4, "end_nodes": 1, "attack": "nan"}
    bad = settings | {"malicious_nodes": "1"}
    gated = summary(run_here(make_config(**bad, run_name="gated")))
    plain = summary(run_here(make_config(**bad, gate="off", run_name="plain")))
    # A node that crashes in every round leaves the honest six.
    honest = settings | {"attack": "crash", "malicious_nodes": "1", "gate": "open"}
    six = summary(run_here(make_config(**honest, run_name="six")))
    assert plain["final"]["diverged"]
    assert plain["final"]["cloud_validation_loss"] is None
    assert not gated["final"]["diverged"]
    assert gated["final"]["rejected"] >= 4
    assert gated["final"]["test_accuracy"] >= six["final"]["test_accuracy"] - 0.05


def test_a_client_that_raises_in_one_round_does_not_end_the_run(make_config):
    folder = run_here(
        make_config(
            num_server_rounds=3,
            attack="crash",
            malicious_nodes="nodes:1",
            attack_rounds="2",
            gate="open",
        )
    )
    assert [row["accepted"] for row in rounds(folder)[1:]] == ["3", "2", "3"]
    (refused,) = [row for row in updates(folder) if row["accepted"] == "False"]
    assert (refused["round"], refused["fog_node"]) == ("2", "1")
    assert "crashes in round 2" in refused["reason"]


def test_all_nodes_failing_keeps_w_and_says_so(make_config):
    folder = run_here(make_config(attack="crash", malicious_nodes="3", attack_rounds="1"))
    start, kept, _ = rounds(folder)
    assert kept["cloud_validation_loss"] == start["cloud_validation_loss"]
    assert "W is kept" in kept["note"]
    assert summary(folder)["status"] == "finished"


def test_fedprox_pulls_towards_w(make_config):
    def distance(mu):
        name = f"mu{mu}"
        config = make_config(
            strategy="FedProx",
            strategy_args=f"proximal_mu={mu}",
            num_server_rounds=1,
            run_name=name,
        )
        return sum(float(row["update_norm"]) for row in updates(run_here(config)))

    assert distance(5.0) < 0.9 * distance(0.0)


def test_a_proximal_weight_that_starts_at_zero_works_from_its_first_round(make_config):
    config = make_config()
    images = np.random.default_rng(0).standard_normal((64, 32, 32, 3)).astype(np.float32)
    data = NodeData(images, np.arange(64) % 10, (64,), 0, ())
    model = build_model("tests.small_models:small_mlp", SPEC, TASK, 0)
    start = model.get_weights()

    def distance(trainer, mu):
        result = trainer.train(config, start, data, fog_node=0, server_round=1, mu=mu)
        return norm(result.delta)

    other = build_model("tests.small_models:small_mlp", SPEC, TASK, 0)
    warm, fresh = Trainer(model, SPEC, TASK), Trainer(other, SPEC, TASK)
    free, pulled = distance(warm, 0.0), distance(warm, 5.0)
    assert pulled == pytest.approx(distance(fresh, 5.0), rel=1e-6)
    assert pulled < 0.9 * free
    assert distance(warm, 0.0) == pytest.approx(free, rel=1e-6)


def test_what_a_trainer_did_before_does_not_reach_the_next_run(make_config):
    """One process makes many runs: the second must not depend on the first, dropout or not."""
    settings = {"model": "tests.small_models:with_dropout", "seed": 3}
    alone = run_here(make_config(**settings, run_name="alone"))
    run_here(make_config(**settings | {"seed": 4}, run_name="between"))
    after = run_here(make_config(**settings, run_name="after"))
    assert figures(alone) == figures(after)
    assert_equal_weights(alone, after)


def test_a_bug_in_a_strategy_is_recorded_with_its_place(make_config, tmp_path, monkeypatch):
    (tmp_path / "buggy.py").write_text(
        "from flwr.serverapp.strategy import FedAvg\n\n\n"
        "class Buggy(FedAvg):\n"
        "    def aggregate_train(self, server_round, replies):\n"
        "        return {}['nope']\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    config = make_config(strategy="buggy:Buggy")
    with pytest.raises(UserError, match="strategy Buggy: aggregate_train: KeyError: 'nope'"):
        run_here(config)
    folder = Path(config.results_dir) / config.run_name
    cause = summary(folder)["cause"]
    assert "KeyError: 'nope' (in aggregate_train, " in cause
    assert cause.endswith("buggy.py:6)")
    assert "Traceback" in (folder / "traceback.txt").read_text()


def test_fedprox_with_mu_zero_is_fedavg(make_config):
    prox = run_here(make_config(strategy="FedProx", strategy_args="proximal_mu=0.0", run_name="p"))
    plain = run_here(make_config(run_name="a"))
    assert_equal_weights(prox, plain)


def test_the_real_head_of_svhn(make_config, svhn_head):
    folder = run_here(
        make_config(
            dataset="svhn",
            data_dir=str(svhn_head),
            train_examples=480,
            validation_examples=60,
            test_examples=60,
            fog_nodes=5,
            end_nodes=6,
            model="cnn",
            num_server_rounds=1,
        )
    )
    run = summary(folder)
    assert run["data"]["name"] == "svhn-subset-480+120"
    assert run["status"] == "finished"
    assert run["model_parameters"] == 378_570
    assert run["nodes"]["num_examples"] == [96] * 5


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"train_examples": 601}, "only 600"),
        ({"strategy": "Nope"}, "strategy='Nope'"),
        ({"model": "nope"}, "model='nope'"),
        ({"dataset": "nope"}, "dataset='nope'"),
        ({"partition": "nope"}, "partition='nope'"),
    ],
)
def test_the_server_itself_refuses_before_training_and_leaves_no_folder(
    make_config, tmp_path, settings, words
):
    with pytest.raises(UserError, match=words):
        run_here(make_config(**settings))
    assert not (tmp_path / "results" / "run").exists()
