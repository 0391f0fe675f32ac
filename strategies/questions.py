"""Checks the train messages of a strategy, so that nothing in them is ignored silently."""

import dataclasses
from collections.abc import Iterable, Mapping

from flwr.app import ArrayRecord, ConfigRecord, Message

from fog_flower.causes import describe_failure
from fog_flower.errors import UserError
from fog_flower.messages import ARRAYS, CONFIG, PROXIMAL_MU, SERVER_ROUND
from fog_flower.weights import Weights, count_bytes, from_record, subtract

UNDERSTOOD = (SERVER_ROUND, PROXIMAL_MU)  # the settings that fog nodes read


@dataclasses.dataclass(frozen=True)
class Questions:
    """The train messages of one round.

    Attributes
    ----------
    messages : list of Message
        One for each fog node that is asked.
    shifts : dict
        Node id to the weights that it was sent minus W; only nodes that were sent other weights.
    extras : dict
        Node id to the further arrays that it was sent, by the name of their record.
    bytes_down : int
        Size of all arrays together.
    """

    messages: list[Message]
    shifts: dict[int, Weights]
    extras: dict[int, dict[str, Weights]]
    bytes_down: int


def read_questions(
    answer: object,
    strategy: str,
    server_round: int,
    record: ArrayRecord,
    weights: Weights,
    fog_nodes: Mapping[int, int],
    *,
    client_mods: bool,
) -> Questions:
    """Check what ``configure_train`` returned, and rename its records as fog nodes expect.

    A strategy may choose the names of its records, send other weights than W, and send further
    records, which the user's client mods can read and answer.

    Parameters
    ----------
    answer : object
        What ``configure_train`` returned; should be an iterable of messages.
    strategy : str
        Name of the strategy, for error messages.
    server_round : int
    record, weights : ArrayRecord, Weights
        W.
    fog_nodes : mapping
        Node id to partition id, as far as known.
    client_mods : bool
        Whether fog nodes have client mods of the user. Without one, nobody reads further records.

    Raises
    ------
    UserError
        If the messages cannot be sent, or hold something that no fog node reads.
    """
    what = f"strategy {strategy}: configure_train"
    if not isinstance(answer, Iterable):
        raise UserError(f"{what} returned {kind_of(answer)}; return a list of messages")
    questions = Questions([], {}, {}, 0)
    asked: set[int] = set()
    total = 0
    for message in answer:
        if not isinstance(message, Message):
            raise UserError(f"{what} returned {kind_of(message)} in its list; return messages")
        if not message.has_content():
            raise UserError(f"{what} returned a message without content")
        node_id = message.metadata.dst_node_id
        if fog_nodes and node_id not in fog_nodes:
            known = ", ".join(map(str, sorted(fog_nodes)))
            raise UserError(f"{what} asks node {node_id}; the nodes of this run are {known}")
        if node_id in asked:
            raise UserError(
                f"{what} sends two messages to node {node_id}; a fog node trains once in a round"
            )
        asked.add(node_id)
        _check_settings(message, server_round, what, client_mods=client_mods)
        sent, extras = _arrays_of(message, record, weights, what, client_mods=client_mods)
        if sent is not None:
            questions.shifts[node_id] = subtract(sent, weights)
        if extras:
            questions.extras[node_id] = extras
        total += count_bytes(weights) + sum(map(count_bytes, extras.values()))
        questions.messages.append(message)
    return dataclasses.replace(questions, bytes_down=total)


def layout_of(record: ArrayRecord) -> list[tuple[object, ...]]:
    """Return the names, shapes and dtypes of a record, without reading the arrays."""
    return [(name, tuple(array.shape), array.dtype) for name, array in record.items()]


def _check_settings(message: Message, server_round: int, what: str, *, client_mods: bool) -> None:
    """Check the settings, and put them with the round into the one record that fog nodes read."""
    records = message.content.config_records
    own = CONFIG if CONFIG in records or len(records) != 1 else next(iter(records))
    settings = records[own] if own in records else ConfigRecord()
    others = [name for name in records if name != own]
    others += list(message.content.metric_records)
    unknown = [name for name in settings if name not in UNDERSTOOD]
    if not client_mods and (others or unknown):
        told = ", ".join([*(f"{name}={settings[name]!r}" for name in unknown), *others])
        raise UserError(
            f"{what} sends {told}, which no fog node reads (they know {', '.join(UNDERSTOOD)}); "
            "leave it out, or name a mod that reads it in client-mods"
        )
    if own != CONFIG or SERVER_ROUND not in settings:
        if own in message.content:
            del message.content[own]
        message.content[CONFIG] = ConfigRecord({**settings, SERVER_ROUND: server_round})


def _arrays_of(
    message: Message, record: ArrayRecord, weights: Weights, what: str, *, client_mods: bool
) -> tuple[Weights | None, dict[str, Weights]]:
    """Return the weights that a fog node starts from (None: W), and further arrays by name."""
    records = message.content.array_records
    own = ARRAYS if ARRAYS in records or len(records) != 1 else next(iter(records))
    if own not in records:
        raise UserError(
            f"{what} sends {', '.join(records) or 'no arrays'}, but no ArrayRecord called "
            f"{ARRAYS!r} with the weights to start from"
        )
    extras = {name: _read(records[name], what) for name in records if name != own}
    if extras and not client_mods:
        raise UserError(
            f"{what} sends the arrays {', '.join(extras)}, which no fog node reads; leave them "
            "out, or name a mod that reads them in client-mods"
        )
    start = records[own]
    if start is record and own == ARRAYS:  # the usual case: W itself
        return None, extras
    sent = _read(start, what)
    ours, theirs = ([(a.shape, a.dtype) for a in one] for one in (weights, sent))
    if ours != theirs:
        raise UserError(
            f"{what} sends arrays {listed(sent)} to start from, but W has {listed(weights)}"
        )
    if own != ARRAYS:
        del message.content[own]
        message.content[ARRAYS] = start
    same = all(a.tobytes() == b.tobytes() for a, b in zip(sent, weights, strict=True))
    return (None if same else sent), extras


def _read(record: ArrayRecord, what: str) -> Weights:
    try:
        return from_record(record)
    except Exception as error:
        raise UserError(
            f"{what} sends arrays that cannot be read ({describe_failure(error)})"
        ) from error


def listed(weights: Weights) -> str:
    """Return the dtypes and shapes of arrays in words, for error messages."""
    return ", ".join(f"{array.dtype} {list(array.shape)}" for array in weights)


def kind_of(value: object) -> str:
    """Return the type of a value in words, for error messages."""
    return "None" if value is None else f"a {type(value).__name__}"
