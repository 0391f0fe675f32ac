"""Calls the user's Flower mods (``client-mods``) around the honest ClientApp."""

from collections.abc import Callable
from typing import Any

from flwr.app import Context, Message, MessageType
from flwr.clientapp.mod import LocalDpMod, adaptiveclipping_mod, fixedclipping_mod
from flwr.clientapp.typing import ClientAppCallable

from clients.local_training import who
from fog_flower.causes import in_user_code
from fog_flower.errors import UserError
from fog_flower.named import load_reference

KEY = "client-mods"
# Flower's mods that subtract W from the reply's weights. Here the reply is dW already.
OF_WEIGHTS = (fixedclipping_mod, adaptiveclipping_mod, LocalDpMod)


def user_mods(message: Message, context: Context, call_next: ClientAppCallable) -> Message:
    """Call the configured mods around training, the first one outermost.

    They are not called for other messages (handshake, mask keys, evaluation), because Flower's own
    mods need arrays in message and reply.
    """
    _, config = who(context)
    if message.metadata.message_type.partition(".")[0] != MessageType.TRAIN:
        return call_next(message, context)
    call = call_next
    for reference in reversed(config.client_mods):
        call = _around(load_mod(reference), reference, call)
    return call(message, context)


def load_mod(reference: str) -> Callable[..., Any]:
    """Import a mod.

    Raises
    ------
    UserError
        If it cannot be imported or is not callable, or expects weights in place of dW.
    """
    mod = load_reference(reference, KEY)
    if mod in OF_WEIGHTS or isinstance(mod, LocalDpMod):
        raise UserError(
            f"{KEY}={reference!r}: it takes replies for weights, but here they are dW; use "
            "fog-protection=dp-sgd(clip=1), or a mod of your own"
        )
    if not callable(mod):
        raise UserError(
            f"{KEY}={reference!r}: is a {type(mod).__name__}; name a function "
            "(message, context, call_next)"
        )
    called: Callable[..., Any] = mod
    return called


def _around(mod: Callable[..., Any], reference: str, inner: ClientAppCallable) -> ClientAppCallable:
    """Wrap a mod around a ClientApp; only the mod's own errors are reported as the mod's."""

    def call(message: Message, context: Context) -> Message:
        failures: list[Exception] = []

        def call_next(message: Message, context: Context) -> Message:
            try:
                return inner(message, context)
            except Exception as error:
                failures.append(error)
                raise

        with in_user_code(f"{KEY}={reference!r}", unless=failures.__contains__):
            reply = mod(message, context, call_next)
        if not isinstance(reply, Message):
            raise UserError(
                f"{KEY}={reference!r}: returned {type(reply).__name__}; return the message that "
                "call_next returned, or one like it"
            )
        return reply

    return call
