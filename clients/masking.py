"""A fog node's part in masked sums: makes a key for each round, and masks dW.

``masking`` is the outermost client mod, outside of attacks: a malicious node's dW is masked too.
"""

import hashlib
import math
from logging import WARNING

import numpy as np
from flwr.app import (
    ConfigRecord,
    Context,
    Message,
    MessageType,
    MetricRecord,
    RecordDict,
)
from flwr.clientapp.typing import ClientAppCallable
from flwr.common import log

from clients.local_training import who
from clients.privacy._masks import mask_of, new_key
from fog_flower.masked import GROUP_EXAMPLES, GROUP_KEYS, MASKS, PUBLIC_KEY, REHEARSAL, encode
from fog_flower.messages import ARRAYS, METRICS, NODE, NUM_EXAMPLES, PARTITION_ID, round_of
from fog_flower.weights import Weights, from_record, to_record

_PRIVATE_KEY, _ROUND = "private-key", "round"


def make_key(message: Message, context: Context, fog_node: int, num_examples: int) -> Message:
    """Make a key pair for a round, keep the private key in the node's state, send the public one.

    The number of examples is sent with it, because each dW is weighted before it is masked.
    """
    private, public = new_key()
    context.state[MASKS] = ConfigRecord({_PRIVATE_KEY: private, _ROUND: round_of(message)})
    metrics = MetricRecord({PARTITION_ID: fog_node, NUM_EXAMPLES: num_examples})
    told = RecordDict({METRICS: metrics, MASKS: ConfigRecord({PUBLIC_KEY: public})})
    return Message(told, reply_to=message)


def masking(message: Message, context: Context, call_next: ClientAppCallable) -> Message:
    """Mask the dW of a reply to a train message: it says nothing without the rest of the group.

    A node that rehearses, because it failed before, also trains but replies without dW.

    Raises
    ------
    ValueError
        Before training, if the node has no key for this round (each is used once), or was sent no
        group, or one smaller than ``mask-groups``; after training, if dW cannot be encoded as
        fixed-point numbers. Nothing is sent then.
    """
    fog_node, config = who(context)
    if not config.mask_groups or message.metadata.message_type != MessageType.TRAIN:
        return call_next(message, context)
    kept = context.state.config_records.pop(MASKS, ConfigRecord())
    if kept.get(_ROUND) != round_of(message):
        raise ValueError(f"fog node {fog_node} has no key for round {round_of(message)}")
    if MASKS not in message.content.config_records:
        raise ValueError(f"fog node {fog_node} was told no group, and sends no dW unmasked")
    told = message.content.config_records.pop(MASKS)
    if told.get(REHEARSAL):
        reply = call_next(message, context)
        return _masked_reply(reply, [], message) if reply.has_content() else reply
    group = [bytes(key) for key in told[GROUP_KEYS]]  # type: ignore[union-attr, arg-type]
    if len(group) < config.mask_groups:
        raise ValueError(
            f"the group of fog node {fog_node} has {len(group)} nodes, but "
            f"mask-groups={config.mask_groups}"
        )
    sent = message.content.array_records[ARRAYS]
    told_all = int(told[GROUP_EXAMPLES])  # type: ignore[arg-type]
    salt = _salt(message, group, told_all)
    size = sum(math.prod(array.shape) for array in sent.values())
    private: bytes = kept[_PRIVATE_KEY]  # type: ignore[assignment]
    mask = mask_of(private, group, salt, size)
    reply = call_next(message, context)
    if not reply.has_content():
        return reply
    share = _examples(reply) / told_all
    if share > 1.0:
        raise ValueError(
            f"fog node {fog_node} has more than the {told_all} examples its group is said to have"
        )
    delta = from_record(reply.content.array_records[ARRAYS])
    encoded, cut = encode(delta, share, len(group))
    if cut:
        log(WARNING, "fog node %d: %d numbers of dW are too large and are cut off", fog_node, cut)
    return _masked_reply(reply, _added(encoded, mask), message)


def _salt(message: Message, group: list[bytes], examples: int) -> bytes:
    """Return a hash of all that the cloud told a node: masks cancel only if it told all the same.

    W, the round, settings of the round, the group's keys and its number of examples: with another
    one of these a node's part of the sum would be another, e.g. nothing.
    """
    digest = hashlib.sha256(f"{round_of(message)}/{len(group)}/{examples}".encode())
    for key in sorted(group):
        digest.update(key)
    for name, settings in sorted(message.content.config_records.items()):
        digest.update(repr((name, sorted(settings.items()))).encode())
    for array in message.content.array_records[ARRAYS].values():
        digest.update(array.data)
    return digest.digest()


def _added(encoded: list[np.ndarray], mask: np.ndarray) -> Weights:
    """Return masked arrays as int32, as many bytes as dW, and raise if the sizes differ."""
    sizes = [array.size for array in encoded]
    if sum(sizes) != len(mask):
        raise ValueError(f"dW has {sum(sizes)} numbers, but W has {len(mask)}")
    parts = np.split(mask, np.cumsum(sizes)[:-1])
    return [
        (array + part.reshape(array.shape)).view(np.int32)
        for array, part in zip(encoded, parts, strict=True)
    ]


def _examples(reply: Message) -> int:
    return int(reply.content.metric_records[METRICS][NUM_EXAMPLES])  # type: ignore[arg-type]


def _masked_reply(reply: Message, masked: Weights, message: Message) -> Message:
    """Return a reply with masked dW, and without loss and accuracy, which would tell of dW.

    ``masked`` is empty if no dW is to be sent.
    """
    told = reply.content.metric_records[METRICS]
    kept = {name: told[name] for name in (PARTITION_ID, NUM_EXAMPLES, "seconds")}
    content = RecordDict(
        {
            ARRAYS: to_record(masked),
            METRICS: MetricRecord({**kept, "loss": math.nan, "accuracy": math.nan}),
            NODE: reply.content.config_records[NODE],
        }
    )
    return Message(content, reply_to=message)
