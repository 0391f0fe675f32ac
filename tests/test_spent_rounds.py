"""What a fog node refuses to do twice, because the ledger counts it once."""

import pytest
from flwr.app import Context, RecordDict

from clients.spent_rounds import spend_round
from fog_flower.errors import UserError
from tests.runs import run_here, summary, updates

PRIVATE = {"fog_protection": "dp-sgd(epsilon=5)", "batch_size": 12}


def state():
    return Context(1, 1, {}, RecordDict(), {})


@pytest.mark.parametrize("settings", [PRIVATE, {"training_metrics": "laplace(epsilon=1)"}])
def test_each_round_is_trained_once_and_no_round_is_added(make_config, settings):
    config, context = make_config(num_server_rounds=3, **settings), state()
    spend_round(context, config, 1)
    spend_round(context, config, 3)  # it was not asked in round 2
    for again in (1, 2, 3, 4):
        with pytest.raises(UserError, match=f"round {again} after round 3 of num-server-rounds=3"):
            spend_round(context, config, again)


def test_without_a_mechanism_per_round_nothing_is_noted(make_config):
    context = state()
    for server_round in (1, 1, 99):
        spend_round(context, make_config(num_server_rounds=1), server_round)
    assert not context.state


def twice(message, context, call_next):
    call_next(message, context)
    return call_next(message, context)


def test_a_mod_that_trains_twice_is_refused_with_dp_sgd_only(make_config):
    mods = {"client_mods": f"{__name__}:twice", "gate": "off", "num_server_rounds": 1}
    assert summary(run_here(make_config(run_name="plain", **mods)))["status"] == "finished"
    with pytest.raises(UserError, match="round 1 after round 1 of num-server-rounds=1"):
        run_here(make_config(run_name="private", **mods, **PRIVATE))


def test_a_private_run_is_trained_in_every_round(make_config):
    folder = run_here(make_config(num_server_rounds=2, **PRIVATE))
    assert {row["round"] for row in updates(folder)} == {"1", "2"}
    assert all("failed" not in row["reason"] for row in updates(folder))
