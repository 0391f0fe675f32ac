"""The one place where a fog node may turn malicious: a mod that passes honest nodes by."""

from flwr.app import Context, Message
from flwr.clientapp.typing import ClientAppCallable

from clients.local_training import who
from fog_flower.attack_settings import NONE
from fog_flower.simulation_parts import simulation_part


def misbehaviour(message: Message, context: Context, call_next: ClientAppCallable) -> Message:
    """Hand the message to the configured attack; where there is none, to the honest ClientApp."""
    _, config = who(context)
    if config.attack == NONE:
        return call_next(message, context)
    attacks = simulation_part("attacks", f"attack={config.attack!r}")
    reply: Message = attacks.attack_mod(message, context, call_next)
    return reply
