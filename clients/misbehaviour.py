"""The client mod that makes fog nodes malicious; nothing else does."""

from flwr.app import Context, Message, MessageType
from flwr.clientapp.typing import ClientAppCallable

from clients.attacks import ATTACKS
from clients.local_training import who
from clients.overheard import reply_of
from fog_flower.config import NONE
from fog_flower.messages import round_of
from fog_flower.seeds import generator


def misbehaviour(message: Message, context: Context, call_next: ClientAppCallable) -> Message:
    """Call honest nodes unchanged, and replace replies of malicious ones in the attack's rounds."""
    fog_node, config = who(context)
    if config.attack == NONE:
        return call_next(message, context)
    if fog_node not in config.malicious_nodes:
        return reply_of(config, fog_node, message, context, call_next)
    attack = ATTACKS.load(config.attack)  # already in the handshake, to find a wrong name early
    if message.metadata.message_type != MessageType.TRAIN:
        return call_next(message, context)
    server_round = round_of(message)
    chance = generator(config.seed, "attack-now", fog_node, server_round).random()
    if server_round not in config.attack_rounds or chance >= config.attack_probability:
        return call_next(message, context)
    from clients.attacks._attacker import Attacker  # noqa: PLC0415  (only attackers need it)

    attacker = Attacker(config, fog_node, server_round, message, context, call_next)
    return attacker.answer(attacker.send(attack))
