"""What attackers of this process found out about other nodes, who need not train again."""

from flwr.app import Context, Message, MessageType, RecordDict
from flwr.clientapp.typing import ClientAppCallable

from fog_flower.config import RunConfig
from fog_flower.messages import ARRAYS, CONFIG, round_of

_known: dict[tuple[int, int, int], tuple[RecordDict, RecordDict]] = {}


def overhear(run_id: int, fog_node: int, asked: Message, reply: Message) -> None:
    """Keep what a node will answer honestly, until it is asked or another round begins."""
    now = run_id, round_of(asked)
    for key in [key for key in _known if key[:2] != now]:
        del _known[key]
    if reply.has_content():
        _known[*now, fog_node] = asked.content, reply.content


def reply_of(
    config: RunConfig,
    fog_node: int,
    message: Message,
    context: Context,
    call_next: ClientAppCallable,
) -> Message:
    """Return the honest ClientApp's reply; what is known of a train message is not trained again.

    Training is repeatable, and an attacker that knows the honest updates of a simulation has
    trained them.
    """
    # A mod of the user's own may keep a state, so it is always asked.
    if message.metadata.message_type == MessageType.TRAIN and not config.client_mods:
        known = _known.pop((context.run_id, round_of(message), fog_node), None)
        if known is not None and _same(known[0], message.content):
            return Message(known[1], reply_to=message)
    return call_next(message, context)


def _same(one: RecordDict, other: RecordDict) -> bool:
    if one.keys() != other.keys() or one.config_records[CONFIG] != other.config_records[CONFIG]:
        return False
    sent, asked = one.array_records[ARRAYS], other.array_records[ARRAYS]
    return sent is asked or (
        sent.keys() == asked.keys() and all(sent[name].data == asked[name].data for name in sent)
    )
