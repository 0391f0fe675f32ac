"""Delta is below 1 / n wherever n is known: otherwise a mechanism may disclose one of n."""

import pytest

from clients import client_app
from clients.privacy.check_examples import check_examples
from fog_flower.errors import UserError
from fog_flower.privacy.accounting import check_delta
from simulations.preflight import check
from strategies.build import inner_strategy
from tests.runs import run_here


@pytest.mark.parametrize("count", [2, 49, 60, 1000, 200_000])  # 49: 1 / 49 * 49 is below 1
def test_one_over_n_is_refused_and_less_is_not(count):
    check_delta("here", 0.999 / count, count, "examples")
    with pytest.raises(UserError, match=f"here: delta=.* must be below 1 / {count}, the number of"):
        check_delta("here", 1.0 / count, count, "examples")


@pytest.mark.parametrize("count", [2, 60, 100_000, 200_000])
def test_the_remedy_is_accepted(count):
    with pytest.raises(UserError) as refused:
        check_delta("here", 0.9, count, "examples")
    remedy = float(str(refused.value).rpartition("use e.g. delta=")[2])
    assert remedy <= 1e-5
    check_delta("here", remedy, count, "examples")


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        (
            {"fog_protection": "dp-sgd(delta=0.01)"},
            "fog-protection=dp-sgd: delta=0.01 must be below 1 / 120, the number of examples of a "
            "fog node: with so large a delta, one of them may be disclosed; use e.g. delta=1e-05",
        ),
        ({"fog_protection": "dp-sgd(delta=0.01,noise=1)"}, "delta=0.01 must be below 1 / 120, the"),
        (  # below 1 / n for the smaller nodes only
            {"fog_protection": "dp-sgd(delta=0.007)", "partition": "linear"},
            "delta=0.007 must be below 1 / 180, the number of examples of a fog node",
        ),
        ({"protection": "gaussian(delta=0.01)"}, "protection=gaussian: delta=0.01 must be below 1"),
        ({"protection": "gaussian(delta=0.01)"}, "120, the number of inputs that a fog node recei"),
        (  # of 60 of a node's 120 examples, 0.01 is a chance for each
            {"protection": "gaussian(delta=0.02)", "share_fraction": 0.5},
            "delta=0.02 must be below 1 / 60, the number of inputs",
        ),
        (
            {"strategy": "central-dp", "gate": "off", "strategy_args": "delta=0.4"},
            "strategy=central-dp: delta=0.4 must be below 1 / 3, the number of fog nodes",
        ),
    ],
)
def test_a_delta_of_one_over_n_or_more_is_refused_before_the_run(make_config, settings, words):
    with pytest.raises(UserError) as refused:
        check(make_config(**settings))
    assert words in str(refused.value)


def test_what_promises_nothing_takes_any_delta(make_config):
    check_examples(make_config(fog_protection="dp-sgd(noise=0,delta=0.9)"), 1000)
    settings = {"strategy": "central-dp", "gate": "off", "strategy_args": "noise=0.0,delta=0.9"}
    inner_strategy(make_config(**settings))


def test_a_hidden_number_is_not_told(make_config):
    """The message goes to the cloud, from which ``example-counts`` hides the number."""
    for settings in (
        {"fog_protection": "dp-sgd(delta=0.01)"},
        {"protection": "gaussian(delta=0.01)"},
    ):
        with pytest.raises(UserError, match="which example-counts=equal hides") as refused:
            check_examples(make_config(example_counts="equal", **settings), 4321)
        assert "4321" not in str(refused.value)


def test_a_fog_node_refuses_before_its_end_nodes_ship_anything(make_config, monkeypatch):
    """On a deployment nothing is checked before: the run may be started with ``flwr run``."""
    shipped = []
    monkeypatch.setattr(client_app, "own_data", lambda *args: shipped.append(args))
    with pytest.raises(UserError, match=r"delta=0\.01 must be below 1 / 120"):
        run_here(make_config(fog_protection="dp-sgd(delta=0.01,noise=1)"))
    assert shipped == []


def test_sixty_fog_nodes_keep_the_usual_delta(make_config):
    settings = {"strategy": "central-dp", "gate": "off", "fog_nodes": 60, "end_nodes": 1}
    inner_strategy(make_config(**settings, strategy_args="epsilon=8,delta=1e-5,clip=10"))
    with pytest.raises(UserError, match="must be below 1 / 60, the number of fog nodes"):
        inner_strategy(make_config(**settings, strategy_args="delta=0.0167"))
