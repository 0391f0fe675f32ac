"""Asks fog nodes to introduce themselves, and checks that they fit into the run."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from flwr.app import ConfigRecord, Message, MessageType, RecordDict
from flwr.serverapp import Grid

from fog_flower.code_identity import code_identity
from fog_flower.config import RunConfig
from fog_flower.errors import UserError
from fog_flower.messages import CONFIG, METRICS, NODE, NUM_EXAMPLES, PARTITION_ID
from fog_flower.privacy.ledger import Release, unpacked
from fog_flower.privacy.repeats import ONCE, Repeats
from fog_flower.topology import Topology


@dataclasses.dataclass(frozen=True)
class Introduction:
    """What a fog node reports about itself before its first round.

    Attributes
    ----------
    fog_node : int
        Its partition id.
    num_examples : int
    end_node_examples : tuple of int
        Number of examples of each of its end nodes; 0 if its shipment was refused.
    bytes_received : int
        Bytes received from its end nodes.
    refused : tuple of str
        One line for each refused shipment.
    precision : str
        The precision in which it trains.
    threads : int
        The number of threads on which it trains.
    releases : tuple of Release
        What it and its end nodes release, with the guarantees.
    """

    fog_node: int
    num_examples: int
    end_node_examples: tuple[int, ...]
    bytes_received: int
    refused: tuple[str, ...]
    precision: str
    threads: int
    releases: tuple[Release, ...] = ()


def ask(grid: Grid, node_ids: list[int], repeats: Repeats = ONCE) -> dict[str, int]:
    """Ask fog nodes to introduce themselves, and return message id to node id without waiting.

    They are told what the run ``repeats`` of earlier starts, for their part of the ledger.

    A fog node loads TensorFlow and builds its data before it answers. Meanwhile the cloud prepares
    its own.
    """
    content = RecordDict({CONFIG: ConfigRecord({**repeats.to_record()})})
    messages = [Message(content, node_id, MessageType.QUERY) for node_id in node_ids]
    sent = zip(grid.push_messages(messages), node_ids, strict=True)
    return {message_id: node_id for message_id, node_id in sent if message_id}


def read_introduction(
    reply: Message, config: RunConfig, data_identity: str, content: str = ""
) -> Introduction:
    """Read a reply to ``ask``, and check that the fog node fits into the run.

    Parameters
    ----------
    reply : Message
        A reply without an error.
    config : RunConfig
    data_identity : str
        Spec and task of the cloud's data.
    content : str
        Hash of the cloud's data if the fog node must have loaded the same; otherwise empty.

    Raises
    ------
    UserError
        If the fog node runs other code or has other data than the server, its partition id is out
        of range, or the reply is malformed.
    """
    try:
        metrics: Mapping[str, Any] = reply.content.metric_records[METRICS]
        node: Mapping[str, Any] = reply.content.config_records[NODE]
        code, data, loaded = str(node["code"]), str(node["data"]), str(node["content"])
        introduction = Introduction(
            int(metrics[PARTITION_ID]),
            int(metrics[NUM_EXAMPLES]),
            tuple(int(n) for n in metrics["end-node-examples"]),
            int(metrics["bytes-received"]),
            tuple(str(line) for line in node["refused"]),
            str(node["precision"]),
            int(node["threads"]),
            tuple(unpacked(str(node["releases"]))),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise UserError(
            f"a fog node does not answer as this version does ({type(error).__name__}: {error}): "
            "stop old SuperLinks and SuperNodes, and start them again"
        ) from error
    _check_code(introduction.fog_node, code)
    _check_data(introduction.fog_node, data, data_identity)
    if content and loaded != content:
        raise UserError(
            f"dataset={config.dataset!r}: fog node {introduction.fog_node} loaded other data "
            f"({loaded[:12]}) than the cloud ({content[:12]}): every process loads it, so seed "
            "what is drawn, and do not change files during a run"
        )
    if not 0 <= introduction.fog_node < config.fog_nodes:
        raise UserError(
            f"partition-id={introduction.fog_node}: not in 0 to {config.fog_nodes - 1}, which "
            f"fog-nodes={config.fog_nodes} asks for; give every SuperNode its own partition-id"
        )
    return introduction


def how_to_start(config: RunConfig, *, simulated: bool) -> str:
    """Return the command, or the instruction, that starts the fog nodes of a run."""
    if simulated:
        command = Topology(config.fog_nodes, config.end_nodes).federation_config()
        return f'flwr run . --federation-config "{command}"'
    return (
        "start one a fog node, each with a partition-id of its own from 0 to "
        f"{config.fog_nodes - 1}: flower-supernode --superlink HOST:PORT --node-config "
        f'"partition-id=0 num-partitions={config.fog_nodes}"'
    )


def _check_code(fog_node: int, identity: str) -> None:
    if identity != code_identity():
        raise UserError(
            f"fog node {fog_node} runs other code ({identity}) than the server "
            f"({code_identity()}): start from a folder without a checkout, as `fog-flower run` "
            "does, and stop old SuperLinks"
        )


def _check_data(fog_node: int, theirs: str, ours: str) -> None:
    if theirs != ours:
        raise UserError(
            f"fog node {fog_node} has other data than the cloud: {theirs} instead of {ours}; give "
            "every node the same dataset and dataset-args"
        )
