"""Evaluation of the final W by the fog nodes on their own data (paper, section 3)."""

from collections.abc import Mapping
from logging import WARNING
from typing import Any

from flwr.app import ArrayRecord, ConfigRecord, Message, MessageType, RecordDict
from flwr.common import log
from flwr.serverapp import Grid

from fog_flower.config import RunConfig
from fog_flower.messages import ARRAYS, CONFIG, METRICS, NUM_EXAMPLES, SERVER_ROUND


def own_evaluations(
    grid: Grid, fog_nodes: Mapping[int, int], arrays: ArrayRecord, config: RunConfig
) -> list[dict[str, Any] | None]:
    """Ask every fog node to evaluate W on its own data, for the records only.

    Parameters
    ----------
    grid : Grid
    fog_nodes : mapping
        Node id to partition id.
    arrays : ArrayRecord
        W.
    config : RunConfig

    Returns
    -------
    list of dict or None
        ``num_examples``, ``loss`` and ``accuracy`` of each fog node; None if it failed or did not
        answer within ``round-timeout``.
    """
    told = ConfigRecord({SERVER_ROUND: config.num_server_rounds})
    content = RecordDict({ARRAYS: arrays, CONFIG: told})
    messages = [Message(content, node_id, MessageType.EVALUATE) for node_id in fog_nodes]
    found: list[dict[str, Any] | None] = [None] * config.fog_nodes
    for reply in grid.send_and_receive(messages, timeout=config.round_timeout):
        fog_node = fog_nodes.get(reply.metadata.src_node_id)
        if fog_node is None or reply.has_error():
            continue
        metrics = reply.content.metric_records[METRICS]
        found[fog_node] = {
            "num_examples": metrics[NUM_EXAMPLES],
            "loss": metrics["loss"],
            "accuracy": metrics["accuracy"],
        }
    if silent := [str(number) for number, one in enumerate(found) if one is None]:
        log(WARNING, "no evaluation on own data: fog node %s", ", ".join(silent))
    return found
