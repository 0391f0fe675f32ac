"""Flower mods of the user's own (``client-mods``), around the honest ClientApp."""

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
# What Flower's own mods compute the difference to W of: here it is sent already.
OF_WEIGHTS = (fixedclipping_mod, adaptiveclipping_mod, LocalDpMod)


def user_mods(message: Message, context: Context, call_next: ClientAppCallable) -> Message:
    """Call the configured mods around training, the first of them outermost.

    Other messages (the handshake, keys of masks) carry no arrays, on which Flower's own mods rely.
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
        If there is none of that name.
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
    """Return the ClientApp with a mod around it; what is inside fails as itself, not as the mod."""

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
