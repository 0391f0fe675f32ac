"""Fog nodes that go, stay away, and come back while a run goes on."""

import time

import pytest
from flwr.app import Context, Error, Message, RecordDict
from flwr.common.constant import SUPERLINK_NODE_ID, ErrorCode

from clients.client_app import app as client_app
from fog_flower.errors import UserError
from fog_flower.records.recorder import can_continue
from fog_flower.records.run_folder import folder_of
from simulations.engines.inline_grid import SERVER_NODE_ID, InlineGrid
from strategies import membership
from strategies.server_app import app as server_app
from tests.runs import rounds, run_here, summary, updates

RUN_IDS = iter(range(10**6, 10**7))


class FlakyGrid(InlineGrid):
    """Fog nodes that are there in some rounds only.

    Parameters
    ----------
    gone : dict
        Partition id to the rounds in which its node is not there; one that goes within a round is
        answered for by the SuperLink.
    within : set of (partition id, round)
        Nodes that go after they were asked.
    new_ids : bool
        Whether a node that comes back has another node id, as without authentication.
    """

    def __init__(self, config, gone=(), within=(), new_ids=False):
        super().__init__(client_app, config.fog_nodes, config.to_run_config(), next(RUN_IDS))
        self.round, self.gone, self.within = 1, dict(gone), set(within)
        self.new_ids, self.queries, self.refreshed = new_ids, [], set()

    def get_node_ids(self):
        there = []
        for node_id in list(self._contexts):
            partition = self.partition(node_id)
            rounds_away = self.gone.get(partition, ())
            if self.round in rounds_away:
                continue
            back = self.new_ids and rounds_away and self.round > max(rounds_away)
            there.append(self.renew(node_id, partition) if back else node_id)
        return there

    def renew(self, node_id, partition):
        if partition in self.refreshed:
            return node_id
        self.refreshed.add(partition)
        context = self._contexts.pop(node_id)
        context.node_id = node_id + 1000
        self._contexts[node_id + 1000] = context
        return node_id + 1000

    def partition(self, node_id):
        return self._contexts[node_id].node_config["partition-id"]

    def push_messages(self, messages):
        messages = list(messages)
        self.queries += [self.partition(m.metadata.dst_node_id) for m in messages]
        return super().push_messages(messages)

    def send_and_receive(self, messages, *, timeout=None):
        replies, messages = [], list(messages)
        for message in messages:
            partition = self.partition(message.metadata.dst_node_id)
            asked = len(self.queries)
            (reply,) = super().send_and_receive([message])
            del self.queries[asked:]
            if (partition, self.round) in self.within:
                error = Error(ErrorCode.NODE_UNAVAILABLE, "Error: Node Unavailable")
                reply = Message(error, reply_to=message)
                reply.metadata.__dict__["_src_node_id"] = SUPERLINK_NODE_ID
            replies.append(reply)
        if messages:
            self.round += 1
        return replies


@pytest.fixture
def flaky(make_config, monkeypatch):
    monkeypatch.setattr(membership, "ROUND_POLL_SECONDS", 0.02)
    monkeypatch.setattr(membership, "SIMULATED_GATHER_SECONDS", 0.1)

    def run(gone=(), within=(), new_ids=False, kind=FlakyGrid, **settings):
        config = make_config(
            **{"num_server_rounds": 3, "gate": "open", "round_timeout": 20.0, **settings}
        )
        grid = kind(config, gone, within, new_ids)
        context = Context(next(RUN_IDS), SERVER_NODE_ID, {}, RecordDict(), config.to_run_config())
        server_app(grid, context)
        return folder_of(config), grid

    return run


def who(folder, server_round):
    return [row["fog_node"] for row in updates(folder) if row["round"] == str(server_round)]


def test_a_run_goes_on_with_those_that_are_there(flaky):
    folder, _ = flaky({1: (2, 3)}, min_available_nodes=2)
    assert [who(folder, n) for n in (1, 2, 3)] == [["0", "1", "2"], ["0", "2"], ["0", "2"]]
    assert [row["note"] for row in rounds(folder)[1:]] == ["", *["not there: fog node 1"] * 2]
    run = summary(folder)
    assert run["status"] == "finished"
    assert run["nodes"]["never_there"] == []


def test_one_that_was_never_there_is_in_the_record(flaky):
    folder, _ = flaky({2: (1, 2, 3)}, min_available_nodes=2)
    nodes = summary(folder)["nodes"]
    assert nodes["never_there"] == [2]
    assert nodes["num_examples"] == [120, 120, 0]
    assert nodes["end_node_examples"] == [[60, 60], [60, 60], []]
    assert summary(folder)["status"] == "finished"


@pytest.mark.parametrize("new_ids", [False, True])
def test_one_that_comes_back_is_asked_again_and_taken_at_its_place(flaky, new_ids):
    folder, grid = flaky({1: (2,)}, new_ids=new_ids, min_available_nodes=2)
    assert [who(folder, n) for n in (1, 2, 3)] == [["0", "1", "2"], ["0", "2"], ["0", "1", "2"]]
    assert grid.queries == [0, 1, 2, 1]  # the handshake's, and one more


def test_one_that_comes_later_is_recorded(flaky):
    folder, _ = flaky({2: (1,)}, min_available_nodes=2)
    assert [who(folder, n) for n in (1, 2)] == [["0", "1"], ["0", "1", "2"]]
    assert summary(folder)["nodes"]["never_there"] == []
    assert summary(folder)["nodes"]["num_examples"] == [120, 120, 120]


@pytest.mark.parametrize("least", [0, 3])
def test_too_few_fog_nodes_end_the_run_in_one_line_and_it_can_be_continued(
    flaky, make_config, least
):
    began = time.monotonic()
    words = "round-timeout=1: only 2 of at least 3 fog nodes are there, missing: 1; start"
    with pytest.raises(UserError, match=words):
        flaky({1: (3,)}, min_available_nodes=least, round_timeout=1.0, artifacts="model,checkpoint")
    assert time.monotonic() - began < 20
    stopped = folder_of(make_config())
    run = summary(stopped)
    assert run["status"] == "failed"
    assert run["cause"].startswith("round-timeout=1: only 2 of at least 3")
    assert "\n" not in run["cause"]
    assert [row["round"] for row in rounds(stopped)] == ["0", "1", "2"]
    assert run["can_continue"]
    assert can_continue(stopped, run)
    rest = run_here(
        make_config(
            num_server_rounds=3,
            gate="open",
            min_available_nodes=least,
            continue_from=str(stopped),
            run_name="rest",
        )
    )
    assert [row["round"] for row in rounds(rest)] == ["0", "1", "2", "3"]
    assert summary(rest)["status"] == "finished"


def test_a_failed_run_without_a_checkpoint_does_not_promise_to_go_on(flaky, make_config):
    with pytest.raises(UserError, match="only 2 of at least 3"):
        flaky({1: (2,)}, round_timeout=1.0, artifacts="")
    assert summary(folder_of(make_config()))["can_continue"] is False
    assert not can_continue(folder_of(make_config()), summary(folder_of(make_config())))


def test_one_node_that_goes_within_a_round_is_one_refusal(flaky):
    folder, _ = flaky(within={(2, 2)})
    (refused,) = [row for row in updates(folder) if row["accepted"] == "False"]
    assert (refused["round"], refused["fog_node"]) == ("2", "2")
    assert refused["reason"] == "failed: Error: Node Unavailable"
    assert [row["rejected"] for row in rounds(folder)[1:]] == ["0", "1", "0"]


def test_who_comes_back_with_other_code_is_refused(flaky, monkeypatch):
    class OtherCode(FlakyGrid):
        def _deliver(self, message):
            reply = super()._deliver(message)
            if self.round == 3 and self.partition(message.metadata.dst_node_id) == 1:
                reply.content.config_records["node"]["code"] = "0123456789ab"
            return reply

    folder, _ = flaky({1: (2,)}, kind=OtherCode, min_available_nodes=2)
    assert who(folder, 3) == ["0", "2"]
    assert rounds(folder)[3]["note"] == "not there: fog node 1"


def test_who_restarts_with_other_code_between_two_looks_is_refused_by_the_round(flaky):
    class OtherCode(FlakyGrid):
        def _deliver(self, message):
            reply = super()._deliver(message)
            if self.round == 2 and self.partition(message.metadata.dst_node_id) == 1:
                reply.content.config_records["node"]["code"] = "0123456789ab"
            return reply

    folder, _ = flaky(kind=OtherCode)
    (refused,) = [row for row in updates(folder) if row["accepted"] == "False"]
    assert (refused["round"], refused["fog_node"]) == ("2", "1")
    assert refused["reason"].startswith("runs other code (0123456789ab) than the server")


def test_who_claims_the_place_of_somebody_who_is_there_does_not_get_it(flaky):
    class Impostor(FlakyGrid):
        def get_node_ids(self):
            there = super().get_node_ids()
            if self.round >= 2 and 1999 not in self._contexts:
                one = self._contexts[1001]
                self._contexts[1999] = Context(
                    one.run_id, 1999, dict(one.node_config), RecordDict(), one.run_config
                )
            return there

    folder, grid = flaky(kind=Impostor)
    assert who(folder, 3) == ["0", "1", "2"]
    assert grid.queries == [0, 1, 2, 0]
    assert all(row["accepted"] == "3" for row in rounds(folder)[1:])


def test_a_strategy_that_asks_for_more_nodes_than_there_are_does_not_wait_for_ever(flaky):
    with pytest.raises(UserError, match="min_available_nodes is 5, but fog-nodes=3, so it would"):
        flaky(strategy_args="min_available_nodes=5", round_timeout=2.5)
    settings = {"strategy_args": "min_available_nodes=3", "min_available_nodes": 2}
    words = "waits for more than the 2 fog nodes that are there: lower its min_available_nodes"
    with pytest.raises(UserError, match=words):  # one is away in round 2
        flaky({1: (2, 3)}, **settings, round_timeout=2.5, run_name="away")


def test_a_run_can_be_continued_with_fewer_fog_nodes(flaky, make_config):
    with pytest.raises(UserError, match="continue it with a lower min-available-nodes"):
        flaky({1: (2, 3)}, round_timeout=1.0, artifacts="model,checkpoint")
    stopped = str(folder_of(make_config()))
    settings = {"continue_from": stopped, "run_name": "rest", "min_available_nodes": 2}
    rest, _ = flaky({1: (1, 2, 3)}, **settings)  # a grid of its own, which counts from 1
    assert [who(rest, n) for n in (1, 2, 3)] == [["0", "1", "2"], ["0", "2"], ["0", "2"]]
    assert summary(rest)["status"] == "finished"
