"""What a fog node does once only, because it costs its examples epsilon each time."""

import json
from pathlib import Path

from flwr.app import ConfigRecord, Context

from clients.fog_node import NodeData
from clients.local_training import node_data
from clients.privacy.fog_protection import private_training
from fog_flower.config import ENTROPY, RunConfig
from fog_flower.errors import UserError
from fog_flower.privacy.disclosure import LAPLACE
from fog_flower.records.files import write_text
from fog_flower.scratch import scratch_dir

SPENT, SHIPPED, _ROUND = "spent-rounds", "shipped", "round"


def own_data(context: Context, config: RunConfig, fog_node: int) -> NodeData:
    """Return a fog node's data, with the noise that its end nodes drew once for this run.

    Raises
    ------
    UserError
        If the node has had data before and lost its scratch folder, and with it noise that the
        ledger counts once.
    """
    noised = bool(config.protection) or config.example_counts.how == LAPLACE
    if not (noised and config.noise_source == ENTROPY):
        return node_data(context.run_id, config, fog_node)
    again = SHIPPED in context.state.config_records
    data = node_data(context.run_id, config, fog_node, build=not again)
    context.state[SHIPPED] = ConfigRecord({})
    return data


def spend_round(context: Context, config: RunConfig, fog_node: int, server_round: int) -> None:
    """Note a round before the node trains in it, where each round is accounted for.

    The ledger covers one answer in each of ``num-server-rounds`` rounds. A cloud, or a mod around
    training, that asks for more gets none. The round is noted in the node's state and in its
    scratch folder, because a SuperNode that is started again has lost its state. Without a
    mechanism per round nothing is noted.

    Raises
    ------
    UserError
        If the node has already trained in this round or a later one, or the run has no such round.
    """
    told = config.training_metrics.how == LAPLACE
    if not told and private_training(config.fog_protection) is None:
        return
    note = scratch_dir(context.run_id) / f"fog-node-{fog_node}-spent.json"
    last = max(_in_state(context), _in_file(note))
    if not last < server_round <= config.num_server_rounds:
        raise UserError(
            f"round {server_round} after round {last} of num-server-rounds="
            f"{config.num_server_rounds}: the privacy ledger covers one training in each round, "
            "so this node does not train; nothing may ask it twice"
        )
    context.state[SPENT] = ConfigRecord({_ROUND: server_round})
    note.parent.mkdir(parents=True, exist_ok=True)
    write_text(note, json.dumps({_ROUND: server_round}))


def _in_state(context: Context) -> int:
    kept = context.state.config_records.get(SPENT, ConfigRecord({_ROUND: 0}))
    return int(kept[_ROUND])  # type: ignore[arg-type]


def _in_file(note: Path) -> int:
    return int(json.loads(note.read_text())[_ROUND]) if note.exists() else 0
