"""What a fog node refuses to do twice, because the ledger counts it once."""

import contextlib
import shutil
import threading

import numpy as np
import pytest
from flwr.app import Context, RecordDict

from clients import local_training
from clients.counted_once import own_data, spend_round
from fog_flower.errors import UserError
from fog_flower.privacy.guarantee import Guarantee
from fog_flower.variables import SCRATCH_VARIABLE
from tests.runs import run_here, summary, updates

PRIVATE = {"fog_protection": "dp-sgd(epsilon=5)", "batch_size": 12}


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    monkeypatch.setenv(SCRATCH_VARIABLE, str(tmp_path / "scratch"))
    local_training._data_of_run.clear()
    return tmp_path / "scratch"


def state(run_id=1):
    return Context(run_id, 1, {}, RecordDict(), {})


def lost(scratch):
    """Lose the scratch folder, as a machine that is started again may."""
    shutil.rmtree(scratch)
    local_training._data_of_run.clear()


@pytest.mark.parametrize("settings", [PRIVATE, {"training_metrics": "laplace(epsilon=1)"}])
def test_each_round_is_trained_once_and_no_round_is_added(make_config, settings):
    config, context = make_config(num_server_rounds=3, **settings), state()
    spend_round(context, config, 0, 1)
    spend_round(context, config, 0, 3)  # it was not asked in round 2
    for again in (1, 2, 3, 4):
        with pytest.raises(UserError, match=f"round {again} after round 3 of num-server-rounds=3"):
            spend_round(context, config, 0, again)


def test_without_a_mechanism_per_round_nothing_is_noted(make_config):
    context = state()
    for server_round in (1, 1, 99):
        spend_round(context, make_config(num_server_rounds=1), 0, server_round)
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


def test_a_node_that_lost_its_state_remembers_rounds_in_its_scratch_folder(make_config):
    config = make_config(num_server_rounds=3, **PRIVATE)
    spend_round(state(), config, 0, 2)
    with pytest.raises(UserError, match="round 2 after round 2"):
        spend_round(state(), config, 0, 2)
    spend_round(state(), config, 1, 2)  # another node of this machine
    spend_round(state(run_id=2), config, 0, 2)  # another run
    spend_round(state(), config, 0, 3)


PROTECTED = {"protection": "gaussian(epsilon=8)", "noise_source": "entropy"}


def test_noise_of_shipments_is_drawn_once_a_run(make_config, scratch):
    config, context = make_config(**PROTECTED), state()
    first = np.array(own_data(context, config, 0).inputs)
    local_training._data_of_run.clear()
    kept = own_data(state(), config, 0).inputs  # the folder alone is enough
    np.testing.assert_array_equal(kept, first)
    lost(scratch)
    for context_of_it in (context, context, state()):  # the last one was started again meanwhile
        with pytest.raises(UserError, match="fog-node-0 is gone, and with it what end nodes drew"):
            own_data(context_of_it, config, 0)
    own_data(state(run_id=2), config, 0)  # another run
    lost(scratch)
    assert own_data(state(), config, 0).inputs.shape == first.shape  # nothing is left to know it by


def test_a_secret_share_is_drawn_once_a_run(make_config, scratch):
    config = make_config(share_fraction=0.5, protection="", noise_source="entropy")
    context = state()
    own_data(context, config, 0)
    lost(scratch)
    with pytest.raises(UserError, match="fog-node-0 is gone"):
        own_data(context, config, 0)


def test_data_alone_are_lost_and_the_marks_beside_them_are_not(make_config, scratch):
    config = make_config(**PROTECTED)
    own_data(state(), config, 0)
    shutil.rmtree(scratch / "run-1" / "fog-node-0")
    local_training._data_of_run.clear()
    with pytest.raises(UserError, match="fog-node-0 is gone"):
        own_data(state(), config, 0)


def test_of_two_processes_at_once_one_trains(make_config):
    config = make_config(num_server_rounds=3, **PRIVATE)
    both, begun = threading.Barrier(2), []

    def ask():
        context = state()
        both.wait()
        with contextlib.suppress(UserError):
            spend_round(context, config, 0, 1)
            begun.append(context)

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(begun) == 1


class Promising:
    """A mechanism of a user's own that promises something for each round."""

    def guarantee(self, config):
        return Guarantee("mine", epsilon=float(config.num_server_rounds))

    def __call__(self, delta, context):
        return delta


def test_a_mechanism_of_a_user_s_own_is_counted_once_too(make_config):
    config, context = make_config(fog_protection=f"{__name__}:Promising"), state()
    spend_round(context, config, 0, 1)
    with pytest.raises(UserError, match="round 1 after round 1"):
        spend_round(context, config, 0, 1)


def test_the_next_run_of_a_series_begins_anew(make_config):
    config, first = make_config(num_server_rounds=3, **PRIVATE), state()
    spend_round(first, config, 0, 3)
    later = state(run_id=2)
    later.state = first.state
    spend_round(later, config, 0, 1)


@pytest.mark.parametrize("settings", [{}, {**PROTECTED, "noise_source": "seeded"}])
def test_data_that_are_drawn_the_same_are_built_again(make_config, scratch, settings):
    config, context = make_config(**settings), state()
    first = np.array(own_data(context, config, 0).inputs)
    lost(scratch)
    np.testing.assert_array_equal(own_data(context, config, 0).inputs, first)
