"""Flower mods of the user's own (``client-mods``), around the honest ClientApp."""

from collections.abc import Callable
from typing import Any

from flwr.app import Context, Message
from flwr.clientapp.typing import ClientAppCallable

from clients.local_training import who
from fog_flower.causes import in_user_code
from fog_flower.errors import UserError
from fog_flower.named import load_reference

KEY = "client-mods"


def user_mods(message: Message, context: Context, call_next: ClientAppCallable) -> Message:
    """Call the configured mods, the first of them outermost."""
    _, config = who(context)
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
