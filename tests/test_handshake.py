"""Before round 1: the right number of fog nodes, each in its place, all running this code."""

import re

import pytest
from flwr.app import ConfigRecord, Context, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp
from flwr.superlink.grid import HttpGrid, InMemoryGrid

from clients.local_training import who
from fog_flower import simulated
from fog_flower.causes import last_cause
from fog_flower.code_identity import code_identity
from fog_flower.errors import UserError
from fog_flower.simulated import check_noise_source, is_simulated_node, is_simulation
from simulations.app_folder import default_run_config
from simulations.engines.inline_grid import InlineGrid
from strategies import membership
from strategies.membership import Membership

DATA = '{"classes": 10}'
CONTENT = "c0ffee" * 8
COMMAND = 'flwr run . --federation-config "num-supernodes=3 client-resources-num-cpus=1"'


def client(**lies):
    app = ClientApp()

    @app.query()
    def report(message, context):
        partition = context.node_config["partition-id"]
        if lies.get("raises") == partition:
            raise RuntimeError("no disk")
        metrics = {
            "partition-id": lies.get("place", partition),
            "num-examples": 10 + partition,
            "end-node-examples": [10, partition],
            "bytes-received": 100,
        }
        refused = [f"shipment of end node 0 at fog node {partition} has a wrong checksum"]
        node = {
            "code": lies.get("code", code_identity()),
            "data": lies.get("data", DATA),
            "content": lies.get("content", CONTENT),
            "refused": refused if partition == 1 else [],
            "precision": "bfloat16" if partition == 1 else "float32",
            "threads": 1,
            "releases": "[]",
        }
        if "leaves_out" in lies:
            del node[lies["leaves_out"]]
        content = RecordDict({"metrics": MetricRecord(metrics), "node": ConfigRecord(node)})
        return Message(content, reply_to=message)

    return app


class DeployedGrid(InlineGrid):
    """Behaves as a deployment's grid, as far as anybody can tell."""

    simulated = False


def shake(make_config, supernodes=3, kind=InlineGrid, settings=None, **lies):
    config = make_config(**{"round_timeout": 5.0, **(settings or {})})
    members = Membership(kind(client(**lies), supernodes, {}, run_id=1), config)
    members.find_nodes()
    members.introduce(DATA, CONTENT)
    return members


@pytest.fixture(autouse=True)
def impatience(monkeypatch):
    monkeypatch.setattr(membership, "SIMULATED_GATHER_SECONDS", 0.1)
    monkeypatch.setattr(membership, "GATHER_SECONDS", 0.1)
    monkeypatch.setattr(membership, "ROUND_POLL_SECONDS", 0.02)


def test_everybody_is_there(make_config):
    members = shake(make_config)
    assert members.fog_nodes == {1001: 0, 1002: 1, 1003: 2}
    told = members.introductions
    assert {n: one.num_examples for n, one in told.items()} == {0: 10, 1: 11, 2: 12}
    assert sum(one.bytes_received for one in told.values()) == 300
    assert [told[n].precision for n in range(3)] == ["float32", "bfloat16", "float32"]
    assert told[1].refused == ("shipment of end node 0 at fog node 1 has a wrong checksum",)
    assert members.missing == []
    assert members.note() == ""


@pytest.mark.parametrize("supernodes", [2, 4])
def test_a_wrong_federation_size_says_the_command_that_fits(make_config, supernodes):
    words = f"fog-nodes=3, but the federation has {supernodes} SuperNodes: {COMMAND}"
    with pytest.raises(UserError, match=re.escape(words)):
        shake(make_config, supernodes)


def test_a_deployment_is_told_how_to_start_a_supernode(make_config):
    with pytest.raises(UserError) as caught:
        shake(make_config, 2, DeployedGrid, {"noise_source": "entropy"})
    words = str(caught.value)
    assert "fog-nodes=3, but the federation has 2 SuperNodes: start one a fog node" in words
    assert "from 0 to 2: flower-supernode --superlink HOST:PORT" in words
    assert '--node-config "partition-id=0 num-partitions=3"' in words
    assert "federation-config" not in words
    assert "\n" not in words


@pytest.mark.parametrize("kind", [InlineGrid, DeployedGrid])
def test_with_enough_of_them_a_run_starts_and_names_the_missing(make_config, kind):
    members = shake(make_config, 2, kind, {"min_available_nodes": 2})
    assert members.fog_nodes == {1001: 0, 1002: 1}
    assert members.missing == [2]
    assert members.note() == "not there: fog node 2"
    with pytest.raises(UserError, match=r"fog-nodes=3, min-available-nodes=2, but .* has 1 Super"):
        shake(make_config, 1, kind, {"min_available_nodes": 2})


@pytest.mark.parametrize(
    ("lies", "words"),
    [
        ({"code": "0123456789ab"}, r"fog node 0 runs other code \(0123456789ab\)"),
        ({"data": '{"classes": 20}'}, 'fog node 0 has other data than the cloud: {"classes": 20}'),
        ({"place": 0}, "partition-id=0: taken twice"),
        ({"place": 3}, "partition-id=3: not in 0 to 2"),
        ({"raises": 1}, "a fog node failed before round 1: .*no disk"),
        ({"leaves_out": "data"}, r"does not answer as this version does \(KeyError: 'data'\)"),
    ],
)
def test_a_fog_node_that_does_not_fit_ends_the_run_before_it_starts(make_config, lies, words):
    with pytest.raises(UserError, match=words):
        shake(make_config, **lies)


def test_a_silent_fog_node_is_named(make_config, monkeypatch):
    pull = InlineGrid.pull_messages
    monkeypatch.setattr(
        InlineGrid,
        "pull_messages",
        lambda self, ids: list(pull(self, [one for one in ids if one != "message-3"])),
    )
    with pytest.raises(UserError, match=r"round-timeout=0\.2: fog nodes 2 of 3 did not answer"):
        shake(make_config, settings={"round_timeout": 0.2})
    members = shake(make_config, settings={"round_timeout": 0.2, "min_available_nodes": 2})
    assert members.missing == [2]


def test_all_answers_are_pulled_in_one_call(make_config, monkeypatch):
    calls = []
    pull = InlineGrid.pull_messages

    def counted(self, ids):
        calls.append(list(ids))
        return pull(self, ids)

    monkeypatch.setattr(InlineGrid, "pull_messages", counted)
    shake(make_config)
    assert calls == [["message-1", "message-2", "message-3"]]


@pytest.mark.parametrize(
    ("reason", "cause"),
    [
        ("<class 'fog_flower.errors.UserError'>:<'no partition-id'>", "no partition-id"),
        ("<class 'ZeroDivisionError'>:<'division by zero'>", "ZeroDivisionError: division by zero"),
        ("\x1b[36mray::run()\x1b[0m\n  File a.py\nfog_flower.errors.UserError: no'>", "no"),
        ("UserError: no", "no"),
        ("OSError: UserError: no", "OSError: UserError: no"),
        ("", "unknown"),
        (None, "unknown"),
    ],
)
def test_what_flower_says_of_a_failed_client_becomes_one_line(reason, cause):
    assert last_cause(reason) == cause


def context(**node_config):
    return Context(1, 1, node_config, RecordDict(), {**default_run_config(), "fog-nodes": 4})


def test_a_simulation_is_told_from_a_deployment(monkeypatch):
    for kind, answer in ((InMemoryGrid, True), (InlineGrid, True), (HttpGrid, False)):
        assert is_simulation(kind.__new__(kind)) is answer
    ray = type("ray", (), {"is_initialized": staticmethod(lambda: True)})
    monkeypatch.setitem(simulated.sys.modules, "ray", ray)
    assert is_simulated_node(context())  # an actor of Ray
    monkeypatch.delitem(simulated.sys.modules, "ray")
    assert not is_simulated_node(context())
    assert is_simulated_node(context(simulated=True))


def test_noise_of_the_seed_is_refused_outside_simulation(make_config, monkeypatch):
    words = "noise-source='seeded': on a deployment .* use noise-source=entropy"
    with pytest.raises(UserError, match=words):
        check_noise_source(make_config(), simulated=False)
    check_noise_source(make_config(), simulated=True)
    check_noise_source(make_config(noise_source="entropy"), simulated=False)
    check_noise_source(make_config(protection=""), simulated=False)  # draws nothing
    for drawn in (
        {"fog_protection": "dp-sgd(epsilon=8)", "batch_size": 12},
        {"training_metrics": "laplace(epsilon=1)"},
        {"example_counts": "laplace(epsilon=1)"},
    ):
        config = make_config(protection="", **drawn)
        with pytest.raises(UserError, match=next(iter(drawn)).replace("_", "-")):
            check_noise_source(config, simulated=False)
        check_noise_source(config.changed({"noise-source": "entropy"}), simulated=False)
    with pytest.raises(UserError, match="the noise of strategy; use"):
        check_noise_source(make_config(protection=""), simulated=False, strategy_draws=True)
    monkeypatch.delitem(simulated.sys.modules, "ray", raising=False)
    told = context(**{"partition-id": 0})
    with pytest.raises(UserError, match=words):  # the node itself looks, whatever the server does
        who(told)


@pytest.mark.parametrize(
    ("told", "problem"),
    [
        ({}, "without a partition-id"),
        ({"partition-id": 4}, "with partition-id=4"),
        ({"partition-id": -1}, "with partition-id=-1"),
        ({"partition-id": "one"}, "with partition-id='one'"),
        ({"partition-id": True}, "with partition-id=True"),
    ],
)
def test_a_supernode_without_a_place_is_told_the_command(told, problem):
    with pytest.raises(UserError) as caught:
        who(context(simulated=True, **told))
    assert str(caught.value) == (
        f"this SuperNode was started {problem}: start it with --node-config "
        '"partition-id=0 num-partitions=4", each with a number of its own from 0 to 3'
    )


def test_every_process_of_a_simulation_must_have_loaded_the_same_data(make_config):
    with pytest.raises(
        UserError, match=r"dataset='npz:.*loaded other data \(abcabc\).*seed what is"
    ):
        shake(make_config, content="abcabc")
    shake(make_config, kind=DeployedGrid, content="abcabc")  # there they have data of their own
