"""Before round 1: the right number of fog nodes, each in its place, all running this code."""

import re

import pytest
from flwr.app import ConfigRecord, Message, MetricRecord, RecordDict
from flwr.clientapp import ClientApp

from fog_flower import handshake
from fog_flower.code_identity import code_identity
from fog_flower.errors import UserError
from fog_flower.topology import Topology
from simulations.engines.inline_grid import InlineGrid
from strategies.handshake import ask, find_nodes, introduce


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
        code = lies.get("code", code_identity())
        refused = [f"shipment of end node 0 at fog node {partition} has a wrong checksum"]
        node = ConfigRecord(
            {
                "code": code,
                "refused": refused if partition == 1 else [],
                "precision": "bfloat16" if partition == 1 else "float32",
                "threads": 1,
            }
        )
        content = RecordDict({"metrics": MetricRecord(metrics), "node": node})
        return Message(content, reply_to=message)

    return app


def shake(fog_nodes=3, supernodes=3, timeout_seconds=5.0, **lies):
    grid = InlineGrid(client(**lies), supernodes, {}, run_id=1)
    topology = Topology(fog_nodes, 6)
    return introduce(grid, topology, ask(grid, find_nodes(grid, topology)), timeout_seconds)


def test_everybody_is_there():
    federation = shake()
    assert federation.fog_nodes == {1001: 0, 1002: 1, 1003: 2}
    assert federation.num_examples == {0: 10, 1: 11, 2: 12}
    assert federation.bytes_from_end_nodes == 300
    assert federation.precisions == ("bfloat16", "float32")
    assert federation.refused_shipments == (
        "shipment of end node 0 at fog node 1 has a wrong checksum",
    )


@pytest.mark.parametrize("supernodes", [2, 4])
def test_a_wrong_federation_size_says_the_command_that_fits(monkeypatch, supernodes):
    monkeypatch.setattr(handshake, "GATHER_SECONDS", 0.1)
    command = 'flwr run . --federation-config "num-supernodes=3 client-resources-num-cpus=1"'
    words = f"fog-nodes=3, but the federation has {supernodes} SuperNodes: {command}"
    with pytest.raises(UserError, match=re.escape(words)):
        shake(supernodes=supernodes)


@pytest.mark.parametrize(
    ("lies", "words"),
    [
        ({"code": "0123456789ab"}, r"fog node 0 runs other code \(0123456789ab\)"),
        ({"place": 0}, "partition-id=0: taken twice"),
        ({"place": 3}, "partition-id=3: taken twice or not in 0 to 2"),
        ({"raises": 1}, "a fog node failed before round 1: .*no disk"),
    ],
)
def test_a_fog_node_that_does_not_fit_ends_the_run_before_it_starts(lies, words):
    with pytest.raises(UserError, match=words):
        shake(**lies)


def test_a_silent_fog_node_is_counted(monkeypatch):
    pull = InlineGrid.pull_messages
    monkeypatch.setattr(
        InlineGrid,
        "pull_messages",
        lambda self, ids: [] if "message-3" in ids else list(pull(self, ids)),
    )
    with pytest.raises(UserError, match="1 of 3 fog nodes did not answer"):
        shake(timeout_seconds=0.2)
