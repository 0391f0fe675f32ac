"""What a fog node tells besides dW: metrics and numbers of examples, as they are or hidden."""

import json
import math

import numpy as np
import pytest

from clients.fog_node import NodeData
from clients.local_result import LocalResult
from clients.node_store import stored_data
from clients.privacy.disclosed import told_count, with_metrics
from clients.privacy.releases import releases_of
from fog_flower.errors import UserError
from fog_flower.privacy.disclosure import counts, metrics
from simulations.preflight import check_plug_ins
from strategies.ledger import LEDGER
from tests.runs import assert_equal_weights, run_here, summary, updates

RESULT = LocalResult([], 0.5, 0.5, 1.0)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"training_metrics": "hidden"}, "training-metrics='hidden': must be sent, dropped or lap"),
        ({"training_metrics": "equal"}, "must be sent, dropped or laplace"),
        ({"training_metrics": "dropped(epsilon=1)"}, "no argument 'epsilon'; there are: none"),
        ({"training_metrics": "laplace(epsilon=0)"}, "epsilon=0 must be positive; 1 is usual"),
        ({"training_metrics": "laplace(epsilon='a')"}, "epsilon='a' must be a number"),
        ({"training_metrics": "laplace(largest_loss=1e999)"}, "largest_loss=inf must be positive"),
        ({"training_metrics": "laplace(delta=1)"}, "there are: epsilon, largest_loss"),
        ({"example_counts": "dropped"}, "example-counts='dropped': must be sent, equal or laplace"),
        ({"example_counts": "laplace(epsilon=-1)"}, "epsilon=-1 must be positive"),
        (
            {"example_counts": "equal", "cloud_examples": 30, "gate": "learned"},
            "the cloud would count as cloud-examples=30 fog nodes",
        ),
        (
            {"training_metrics": "laplace", "mask_groups": 2},
            "behind masks (mask-groups=2) fog nodes send neither loss nor accuracy",
        ),
        (
            {
                "training_metrics": "dropped",
                "strategy": "QFedAvg",
                "strategy_args": "client_learning_rate=0.1",
            },
            "with training-metrics=dropped they send none",
        ),
    ],
)
def test_what_means_nothing_is_refused_before_the_run(make_config, settings, words):
    with pytest.raises(UserError) as caught:
        check_plug_ins(make_config(**settings))
    assert words in str(caught.value)


def test_counts_have_the_noise_that_epsilon_needs(make_config):
    config = make_config(example_counts="laplace(epsilon=0.5)", train_examples=0)
    told = np.array([told_count(config, 1000, place) for place in range(4000)])
    expected = 2 * math.exp(-0.5) / (1 - math.exp(-0.5)) ** 2  # variance of two geometrics
    assert told.mean() == pytest.approx(1000, abs=4 * math.sqrt(expected / 4000))
    assert told.var() == pytest.approx(expected, rel=0.15)
    # Each ratio of neighbours is at most e^0.5, but for chance.
    numbers = np.bincount(told - 980)[15:26]
    assert (numbers[1:] / numbers[:-1]).max() < math.exp(0.5) * 1.3


def test_no_count_is_out_of_range(make_config):
    config = make_config(example_counts="laplace(epsilon=0.01)", train_examples=126)
    told = {told_count(config, 120, place) for place in range(200)}
    assert (min(told), max(told)) == (1, 126)


def test_a_count_is_drawn_once_a_run(tmp_path):
    drawn = iter((7, 8))

    def build():
        data = np.zeros((2, 3), np.float32)
        return NodeData(data, np.zeros(2, np.int64), (2,), 24, (), told_examples=next(drawn))

    assert [stored_data(tmp_path / "node", build).told for _ in range(2)] == [7, 7]
    assert NodeData(np.zeros((2, 3)), np.zeros(2), (2,), 0, ()).told == 2


def test_metrics_have_the_noise_that_one_example_needs(make_config):
    config = make_config(training_metrics="laplace(epsilon=2,largest_loss=3)", num_server_rounds=5)
    losses = np.array([0.0, 1.0, math.inf, math.nan])
    right = np.array([True, True, False, False])
    found = [
        with_metrics(RESULT, config, losses, right, fog_node=n, server_round=1) for n in range(3000)
    ]
    loss, accuracy = (np.array([getattr(one, n) for one in found]) for n in ("loss", "accuracy"))
    # Five rounds, two numbers: epsilon 0.2 each; one of 4 examples changes 1/4, or a loss of 3/4.
    for drawn, mean, scale in ((accuracy, 0.5, 1.25), (loss, 7 / 4, 3.75)):
        assert np.median(drawn) == pytest.approx(mean, abs=0.1 * scale)
        assert np.abs(drawn - mean).mean() == pytest.approx(scale, rel=0.1)


def test_entropy_draws_anew(make_config):
    config = make_config(training_metrics="laplace", noise_source="entropy")
    one, other = (
        with_metrics(RESULT, config, np.ones(4), np.ones(4) > 0, fog_node=0, server_round=1)
        for _ in range(2)
    )
    assert one.loss != other.loss


def ledger(folder):
    return {row["release"]: row for row in json.loads((folder / LEDGER).read_text())["releases"]}


METRICS_ROW, COUNTS_ROW = "loss and accuracy of training", "number of examples that it reports"


def test_what_is_dropped_is_nowhere_and_changes_no_weights(make_config):
    plain = run_here(make_config(run_name="plain"))
    folder = run_here(make_config(run_name="dropped", training_metrics="dropped"))
    assert_equal_weights(plain, folder)
    assert {row["train_loss"] for row in updates(folder)} == {"nan"}
    assert {row["train_accuracy"] for row in updates(folder)} == {"nan"}
    assert ledger(folder)[METRICS_ROW]["mechanism"] == "not sent"
    assert ledger(plain)[METRICS_ROW]["epsilon"] is None


def test_noised_metrics_are_about_w_and_the_ledger_has_them(make_config):
    text = "laplace(epsilon=1000,largest_loss=4)"
    plain = run_here(make_config(run_name="plain"))
    folder = run_here(make_config(run_name="noised", training_metrics=text))
    assert_equal_weights(plain, folder)
    first = [float(row["train_loss"]) for row in updates(folder) if row["round"] == "1"]
    assert first == pytest.approx([math.log(10)] * len(first), abs=1.0)  # of untrained weights
    row = ledger(folder)[METRICS_ROW]
    assert row["epsilon"] == 1000.0
    assert row["noise_can_be_drawn_again"]
    private = make_config(training_metrics="laplace(epsilon=3)", fog_protection="dp-sgd")
    told = {one.name: one.guarantee for one in releases_of(private, 1000)}
    assert told[METRICS_ROW].epsilon == 3.0


def test_equal_counts_hide_sizes_everywhere(make_config):
    settings = {"partition": "linear", "example_counts": "equal", "gate": "off"}
    folder = run_here(make_config(run_name="equal", **settings))
    assert {row["num_examples"] for row in updates(folder)} == {"1"}
    nodes = summary(folder)["nodes"]
    assert set(nodes["num_examples"]) == {1}
    assert nodes["bytes_from_end_nodes"] == 0
    assert not any(nodes["end_node_examples"])
    row = ledger(folder)[COUNTS_ROW]
    assert row["epsilon"] == 0.0
    assert row["not_covered"]


def test_a_ledger_of_hidden_counts_does_not_tell_them(make_config):
    settings = {"example_counts": "laplace(epsilon=1)", "fog_protection": "dp-sgd(epsilon=5)"}
    settings |= {"batch_size": 256}
    texts = []
    for count in (500, 900):
        releases = releases_of(make_config(**settings), count)
        texts.append([one.to_json() for one in releases])
    assert texts[0] == texts[1]
    told = {one["release"]: one for one in texts[0]}
    assert told[COUNTS_ROW]["epsilon"] == 1.0
    assert told["dW of all rounds"]["epsilon"] == 5.0


def test_defaults_are_as_before():
    assert metrics("sent").how == counts("sent").how == "sent"
