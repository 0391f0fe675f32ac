"""Checks before round 1 that everybody is there, and that everybody runs this code."""

import dataclasses
import time
from collections.abc import Iterator
from logging import INFO, WARNING

from flwr.app import ConfigRecord, Message, MessageType, RecordDict
from flwr.common import log
from flwr.serverapp import Grid

from fog_flower.causes import last_cause
from fog_flower.code_identity import code_identity
from fog_flower.config import RunConfig
from fog_flower.errors import UserError
from fog_flower.messages import CONFIG, METRICS, NODE, NUM_EXAMPLES, PARTITION_ID
from fog_flower.topology import Topology

GATHER_SECONDS = 10.0
POLL_SECONDS = 0.05


@dataclasses.dataclass(frozen=True)
class Federation:
    """The fog nodes of a run, as they introduced themselves.

    Attributes
    ----------
    fog_nodes : dict
        Node id to partition id.
    num_examples : dict
        Partition id to examples.
    end_node_examples : dict
        Partition id to the examples of each of its end nodes (0: its shipment was refused).
    bytes_from_end_nodes : int
        Of all shipments.
    refused_shipments : tuple of str
    precisions : tuple of str
        In which they train.
    threads : tuple of int
        On how many.
    """

    fog_nodes: dict[int, int]
    num_examples: dict[int, int]
    end_node_examples: dict[int, list[int]]
    bytes_from_end_nodes: int
    refused_shipments: tuple[str, ...]
    precisions: tuple[str, ...]
    threads: tuple[int, ...]


def find_nodes(grid: Grid, topology: Topology) -> list[int]:
    """Return the node ids of the federation, one a fog node.

    Raises
    ------
    UserError
        If there are more or fewer SuperNodes than fog nodes; it says the command that fits.
    """
    deadline = time.monotonic() + GATHER_SECONDS
    node_ids = list(grid.get_node_ids())
    while len(node_ids) < topology.fog_nodes and time.monotonic() < deadline:
        time.sleep(0.2)
        node_ids = list(grid.get_node_ids())
    if len(node_ids) != topology.fog_nodes:
        raise UserError(
            f"fog-nodes={topology.fog_nodes}, but the federation has {len(node_ids)} SuperNodes: "
            f'flwr run . --federation-config "{topology.federation_config()}"'
        )
    return node_ids


def ask(grid: Grid, node_ids: list[int]) -> list[str]:
    """Ask every fog node who it is, and return the messages' ids at once.

    A fog node loads TensorFlow and builds its data before it answers; the cloud gets ready
    meanwhile.
    """
    content = RecordDict({CONFIG: ConfigRecord({})})
    return list(grid.push_messages([Message(content, n, MessageType.QUERY) for n in node_ids]))


def introduce(grid: Grid, config: RunConfig, asked: list[str], data_identity: str) -> Federation:
    """Wait for the fog nodes' answers, and check that they fit together.

    Parameters
    ----------
    grid : Grid
    config : RunConfig
        Its ``round-timeout`` is for all answers together.
    asked : list of str
        From ``ask``.
    data_identity : str
        Spec and task of the cloud's data.

    Raises
    ------
    UserError
        If a fog node fails or is silent, two claim the same place, or one runs other code, or has
        other data, than the server.
    """
    fog_nodes: dict[int, int] = {}
    num_examples: dict[int, int] = {}
    end_nodes: dict[int, list[int]] = {}
    refused: list[str] = []
    precisions: set[str] = set()
    threads: set[int] = set()
    received, timeout_seconds = 0, config.round_timeout
    for reply in _answers(grid, asked, timeout_seconds):
        if reply.has_error():
            raise UserError(f"a fog node failed before round 1: {last_cause(reply.error.reason)}")
        metrics = reply.content.metric_records[METRICS]
        identity = reply.content.config_records[NODE]
        fog_node = int(metrics[PARTITION_ID])  # type: ignore[arg-type]
        _check_code(fog_node, str(identity["code"]))
        _check_data(fog_node, str(identity["data"]), data_identity)
        if fog_node in num_examples or not 0 <= fog_node < config.fog_nodes:
            raise UserError(
                f"partition-id={fog_node}: taken twice or not in 0 to {config.fog_nodes - 1}; "
                "give every SuperNode its own partition-id"
            )
        fog_nodes[reply.metadata.src_node_id] = fog_node
        num_examples[fog_node] = int(metrics[NUM_EXAMPLES])  # type: ignore[arg-type]
        end_nodes[fog_node] = [int(n) for n in metrics["end-node-examples"]]  # type: ignore[union-attr]
        received += int(metrics["bytes-received"])  # type: ignore[arg-type]
        precisions.add(str(identity["precision"]))
        threads.add(int(identity["threads"]))  # type: ignore[arg-type]
        refused += [str(line) for line in identity["refused"]]  # type: ignore[union-attr]
    silent = len(asked) - len(fog_nodes)
    if silent:
        raise UserError(
            f"round-timeout={timeout_seconds:g}: {silent} of {len(asked)} fog nodes did not "
            "answer before round 1; raise round-timeout or look at the log for their failure"
        )
    for line in refused:
        log(WARNING, "refused: %s", line)
    log(INFO, "%d fog nodes, %d examples", len(fog_nodes), sum(num_examples.values()))
    return Federation(
        fog_nodes,
        num_examples,
        end_nodes,
        received,
        tuple(refused),
        tuple(sorted(precisions)),
        tuple(sorted(threads)),
    )


def _answers(grid: Grid, asked: list[str], timeout_seconds: float) -> Iterator[Message]:
    deadline = time.monotonic() + timeout_seconds
    missing = asked
    while missing:
        replies = {message_id: list(grid.pull_messages([message_id])) for message_id in missing}
        for reply in replies.values():
            yield from reply
        missing = [message_id for message_id in missing if not replies[message_id]]
        if missing and time.monotonic() > deadline:
            return
        time.sleep(POLL_SECONDS if missing else 0.0)


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
