"""Reads the replies of fog nodes into updates, or into the reasons why they are refused."""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
from flwr.app import ArrayRecord, Message, RecordDict

from fog_flower.causes import last_cause
from fog_flower.code_identity import code_identity
from fog_flower.messages import NUM_EXAMPLES, PARTITION_ID
from fog_flower.sparse import KEY, from_sparse_record, is_sparse
from fog_flower.weights import Weights, add, count_bytes, step_dtype, views_of

CLOUD = -1  # takes the place of the partition id in the cloud's own update


@dataclasses.dataclass(frozen=True)
class Update:
    """One fog node's dW in one round. Its structure has been checked, its values have not.

    Attributes
    ----------
    fog_node : int
        The partition id. It identifies a fog node across runs, unlike the random node id.
    delta : Weights
        dW, in the model's shapes and the dtypes of ``fog_flower.weights.step_dtype``.
    num_examples : int
        How many examples the node claims to have trained on; positive.
    message : Message
        The reply that it came in.
    metrics : dict
        The scalar metrics that the node reported; lists are left out.
    extras : tuple of str
        Names of records with further arrays, which the strategy asked for.
    bytes_up : int
        Size of dW on the wire, without headers.
    members : tuple of Update
        With ``mask-groups``, the updates of the group, of which this one is the mean; their dW are
        masked. Otherwise empty.
    """

    fog_node: int
    delta: Weights
    num_examples: int
    message: Message
    metrics: dict[str, int | float]
    extras: tuple[str, ...] = ()
    bytes_up: int = 0
    members: tuple["Update", ...] = ()

    @property
    def node_id(self) -> int:
        """Flower's id of the node."""
        return self.message.metadata.src_node_id

    def moved_by(self, shift: Weights | None) -> "Update":
        """Return the update with ``shift`` added to dW, or itself if ``shift`` is None."""
        if shift is None:
            return self
        return dataclasses.replace(self, delta=add(self.delta, shift))

    def metric(self, name: str) -> float:
        """Return a metric that the node reported, or NaN if it did not."""
        return float(self.metrics.get(name, math.nan))


def own_update(delta: Weights, num_examples: int, loss: float) -> Update:
    """Return the result of the cloud's own training as an update of no fog node."""
    message = Message(RecordDict(), CLOUD, "train")  # its content is filled in before merging
    metrics: dict[str, int | float] = {NUM_EXAMPLES: num_examples, "loss": loss}
    return Update(CLOUD, delta, num_examples, message, metrics)


def common_metrics(updates: Sequence[Update]) -> list[dict[str, int | float]]:
    """Return the metrics of each update that all fog nodes report, in the same order for all.

    Flower's strategies raise an error if replies have different metrics, so a single node could
    end a run. A metric that the cloud's own update lacks is set to the mean of the fog nodes,
    weighted by examples, which leaves the mean as it is.
    """
    nodes = [update for update in updates if update.fog_node != CLOUD] or updates
    names = [n for n in nodes[0].metrics if all(n in update.metrics for update in nodes)]
    counts = [update.num_examples for update in nodes]
    means = {n: float(np.average([u.metrics[n] for u in nodes], weights=counts)) for n in names}
    return [{name: update.metrics.get(name, means[name]) for name in names} for update in updates]


class OwnUpdates(Protocol):
    """Trains the cloud's own update; see ``strategies.cloud_trainer``."""

    def __len__(self) -> int:
        """Return the number of examples that it trains on."""
        ...

    def update(self, weights: Weights, server_round: int) -> Update:
        """Train from W, and return the update."""
        ...


@dataclasses.dataclass(frozen=True)
class Refusal:
    """The reason why a fog node has no update; ``fog_node`` is -1 if it is unknown which one."""

    fog_node: int
    reason: str


def read_replies(
    replies: Iterable[Message],
    expected: Iterable[int],
    weights: Sequence[np.ndarray],
    fog_nodes: Mapping[int, int],
    max_examples: int | None = None,
    sent: Mapping[str, int] | None = None,
    extras: Mapping[int, Mapping[str, Sequence[np.ndarray]]] | None = None,
) -> tuple[list[Update], list[Refusal]]:
    """Split the replies of a round into updates and refusals, each sorted by fog node.

    Replies arrive in any order, and sums in different orders round differently. Sorting them makes
    runs repeatable.

    Parameters
    ----------
    replies : iterable of Message
    expected : iterable of int
        Node ids that were asked. Those without a reply are refused as missing or late.
    weights : sequence of arrays
        W. An update must have its shapes, and the dtypes of ``step_dtype``.
    fog_nodes : mapping
        Node id to partition id, as far as known.
    max_examples : int, optional
        Replies that claim more examples are refused.
    sent : mapping, optional
        Message id to the node id that was asked. If a node is gone, the SuperLink replies under its
        own node id, so only the message id says which node is meant.
    extras : mapping, optional
        Node id to the further arrays that it was sent, by name. It may reply with arrays of these
        names and shapes.
    """
    updates: dict[int, Update] = {}
    refusals: list[Refusal] = []
    answered: set[int] = set()
    for reply in replies:
        source, message_id = reply.metadata.src_node_id, reply.metadata.reply_to_message_id
        node_id = source
        if reply.has_error() and message_id:
            node_id = (sent or {}).get(message_id, source)
        answered.add(node_id)
        fog_node = fog_nodes.get(node_id, -1)
        further = (extras or {}).get(node_id, {})
        read = _read_reply(reply, fog_node, weights, max_examples, further)
        if isinstance(read, Refusal):
            refusals.append(read)
        elif read.fog_node in updates:
            refusals.append(Refusal(read.fog_node, "a second update in one round"))
        else:
            updates[read.fog_node] = read
    refusals += [
        Refusal(fog_nodes.get(node_id, -1), "missing or late: no reply in time")
        for node_id in set(expected) - answered
    ]
    refusals.sort(key=lambda refusal: refusal.fog_node)
    return [updates[fog_node] for fog_node in sorted(updates)], refusals


class _UnusableError(ValueError):
    """A reply that cannot be used; the message says why."""


def _read_reply(
    reply: Message,
    fog_node: int,
    weights: Sequence[np.ndarray],
    max_examples: int | None,
    extras: Mapping[str, Sequence[np.ndarray]],
) -> Update | Refusal:
    try:
        if reply.has_error():
            raise _UnusableError(f"failed: {last_cause(reply.error.reason)}")
        _check_code(reply)
        metrics = _read_metrics(reply, fog_node, max_examples)
        delta, bytes_up = _read_arrays(reply, weights, extras)
        fog_node = int(metrics.get(PARTITION_ID, fog_node))
        examples = int(metrics[NUM_EXAMPLES])
        return Update(fog_node, delta, examples, reply, metrics, tuple(extras), bytes_up)
    except _UnusableError as problem:
        return Refusal(fog_node, str(problem))


def _check_code(reply: Message) -> None:
    """Raise if a reply names a code identity that differs from the server's."""
    records = reply.content.config_records.values()
    told = [str(record["code"]) for record in records if "code" in record]
    if any(code != code_identity() for code in told):
        raise _UnusableError(f"runs other code ({told[0]}) than the server ({code_identity()})")


def _read_metrics(
    reply: Message, fog_node: int, max_examples: int | None
) -> dict[str, int | float]:
    records = reply.content.metric_records
    if len(records) != 1:
        raise _UnusableError(f"malformed: {len(records)} MetricRecords instead of one")
    record = next(iter(records.values()))
    metrics = {name: value for name, value in record.items() if isinstance(value, int | float)}
    claimed = record.get(PARTITION_ID, fog_node)
    if not isinstance(claimed, int) or fog_node not in (-1, claimed):
        raise _UnusableError(f"claims to be fog node {claimed}")
    examples = record.get(NUM_EXAMPLES)
    limit = math.inf if max_examples is None else max_examples
    if (
        not isinstance(examples, int | float)
        or not math.isfinite(examples)
        or not 1 <= examples <= limit
    ):
        raise _UnusableError(f"claims {examples} examples, of {limit} that there can be")
    return metrics


def _read_arrays(
    reply: Message,
    weights: Sequence[np.ndarray],
    extras: Mapping[str, Sequence[np.ndarray]],
) -> tuple[Weights, int]:
    """Return dW and its bytes on the wire."""
    records = reply.content.array_records
    own = [name for name in records if name not in extras]
    if len(own) != 1:
        raise _UnusableError(f"malformed: {len(own)} ArrayRecords instead of one")
    for name in records:
        if name in extras:
            _read_fitting(records[name], extras[name], [array.dtype for array in extras[name]])
    record, dtypes = records[own[0]], [step_dtype(w.dtype) for w in weights]
    if is_sparse(record):
        return _read_sparse(record, weights, dtypes)
    delta = _read_fitting(record, weights, dtypes)
    return delta, count_bytes(delta)


def _read_sparse(
    record: ArrayRecord, weights: Sequence[np.ndarray], dtypes: Sequence[np.dtype[Any]]
) -> tuple[Weights, int]:
    """Return a dW that was sent without its zeros, and its bytes on the wire."""
    if any(dtype != np.float32 for dtype in dtypes):
        raise _UnusableError("unreadable arrays: packed, and the model is not all float32")
    try:
        return from_sparse_record(record, weights), len(record[KEY].data)
    except Exception as error:  # hostile bytes
        raise _UnusableError(f"unreadable arrays: {last_cause(str(error))}") from error


def _read_fitting(
    record: ArrayRecord, wanted: Sequence[np.ndarray], dtypes: Sequence[np.dtype[Any]]
) -> Weights:
    """Return the arrays of a record, and raise if their shapes or dtypes are not as wanted."""
    try:
        arrays = views_of(record)
    except Exception as error:  # hostile bytes: NumPy raises many kinds
        raise _UnusableError(f"unreadable arrays: {last_cause(str(error))}") from error
    if len(arrays) != len(wanted):
        raise _UnusableError(f"wrong shape: {len(arrays)} arrays instead of {len(wanted)}")
    for position, (array, like, dtype) in enumerate(zip(arrays, wanted, dtypes, strict=True)):
        if array.shape != like.shape or array.dtype != dtype:
            raise _UnusableError(
                f"wrong shape: array {position} is {array.dtype} {list(array.shape)} instead of "
                f"{dtype} {list(like.shape)}"
            )
    return arrays
