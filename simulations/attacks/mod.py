"""The mod that turns the configured fog nodes malicious."""

from flwr.app import Context, Message, MessageType
from flwr.clientapp.typing import ClientAppCallable

from clients.local_training import who
from fog_flower.attack_settings import attack_rounds, malicious_nodes
from fog_flower.messages import CONFIG, SERVER_ROUND
from fog_flower.seeds import generator
from simulations.attacks.attacker import Attacker
from simulations.attacks.catalogue import CATALOGUE


def attack_mod(message: Message, context: Context, call_next: ClientAppCallable) -> Message:
    """Let honest nodes pass; let malicious ones answer as their attack does, in their rounds."""
    fog_node, config = who(context)
    malicious = malicious_nodes(config)
    if message.metadata.message_type != MessageType.TRAIN or fog_node not in malicious:
        return call_next(message, context)
    server_round = int(message.content.config_records[CONFIG][SERVER_ROUND])  # type: ignore[arg-type]
    chance = generator(config.seed, "attack-now", fog_node, server_round).random()
    if server_round not in attack_rounds(config) or chance >= config.attack_probability:
        return call_next(message, context)
    attack = CATALOGUE[config.attack]
    strength = config.attack_strength or attack.strength(config.fog_nodes, len(malicious))
    return attack.answer(
        Attacker(config, fog_node, server_round, strength, message, context, call_next)
    )
