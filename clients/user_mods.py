"""Flower mods of the user's own (``client-mods``), around the honest ClientApp."""

import functools

from flwr.app import Context, Message
from flwr.clientapp.typing import ClientAppCallable

from clients.local_training import who
from fog_flower.named import load_reference


def user_mods(message: Message, context: Context, call_next: ClientAppCallable) -> Message:
    """Call the configured mods, the first of them outermost."""
    _, config = who(context)
    call = call_next
    for reference in reversed(config.client_mods):
        call = functools.partial(load_reference(reference, "client-mods"), call_next=call)
    return call(message, context)
