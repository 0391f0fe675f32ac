"""The mod that turns the configured fog nodes malicious."""

import numpy as np
from flwr.app import Context, Message, MessageType
from flwr.clientapp.typing import ClientAppCallable

from fog_flower.config import CRASH, NAN, RunConfig, attack_rounds, malicious_nodes
from fog_flower.messages import ARRAYS, CONFIG, SERVER_ROUND
from fog_flower.weights import from_record, to_record


class AttackCrashError(RuntimeError):
    """A fog node that fails on purpose (``attack=crash``)."""


def attack_mod(message: Message, context: Context, call_next: ClientAppCallable) -> Message:
    """Let honest nodes pass; spoil the update of malicious ones in their rounds.

    ``nan``: every number of dW is NaN. ``crash``: the ClientApp raises.
    """
    config = RunConfig.from_run_config(context.run_config)
    fog_node = int(context.node_config["partition-id"])
    if message.metadata.message_type != MessageType.TRAIN or fog_node not in malicious_nodes(
        config
    ):
        return call_next(message, context)
    server_round = int(message.content.config_records[CONFIG][SERVER_ROUND])  # type: ignore[arg-type]
    if server_round not in attack_rounds(config):
        return call_next(message, context)
    if config.attack == CRASH:
        raise AttackCrashError(f"fog node {fog_node} crashes in round {server_round} (attack)")
    reply = call_next(message, context)
    if config.attack == NAN:
        honest = from_record(reply.content.array_records[ARRAYS])
        reply.content[ARRAYS] = to_record([np.full_like(array, np.nan) for array in honest])
    return reply
