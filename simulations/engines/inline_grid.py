"""An implementation of Flower's ``Grid`` in one process, without SuperLink and Ray."""

import copy
import itertools
import time
from collections.abc import Iterable, Mapping
from typing import Any

from flwr.app import ArrayRecord, Context, Error, Message, RecordDict
from flwr.clientapp import ClientApp
from flwr.common.constant import ErrorCode
from flwr.serverapp import Grid
from flwr.supercore.run import Run

# The only private import: Flower stamps messages with the identity of the process' task, and has
# no public way to set it outside of its own processes (flwr 1.41).
from flwr.supercore.task_identity import TaskIdentity

from fog_flower.simulated import SIMULATED

SERVER_NODE_ID = 1


class InlineGrid(Grid):
    """A ``Grid`` that calls one ClientApp for each message, one after the other, in this process.

    Parameters
    ----------
    client_app : ClientApp
    num_nodes : int
        Number of SuperNodes. Their ids are not random: 1001, 1002, ...
    run_config : mapping
        The run config that the ClientApp sees.
    run_id : int
    """

    simulated = True  # see ``fog_flower.simulated``

    def __init__(
        self, client_app: ClientApp, num_nodes: int, run_config: Mapping[str, Any], run_id: int
    ) -> None:
        self._client_app = client_app
        self._run = Run.create_empty(run_id)
        TaskIdentity.task_id, TaskIdentity.run_id = 1, run_id
        TaskIdentity.node_id = SERVER_NODE_ID
        self._contexts = {
            1001 + partition: Context(
                run_id=run_id,
                node_id=1001 + partition,
                node_config={
                    "partition-id": partition,
                    "num-partitions": num_nodes,
                    SIMULATED: True,
                },
                state=RecordDict(),
                run_config=dict(run_config),
            )
            for partition in range(num_nodes)
        }
        self._ids = itertools.count(1)
        self._pushed: dict[str, Message] = {}

    def set_run(self, run: Run) -> None:
        """Set the run that messages belong to."""
        self._run = run

    @property
    def run(self) -> Run:
        """The run that messages belong to."""
        return self._run

    def create_message(
        self,
        content: RecordDict,
        message_type: str,
        dst_node_id: int,
        group_id: str,
        ttl: float | None = None,
    ) -> Message:
        """Create a message (Flower's older API)."""
        return Message(content, dst_node_id, message_type, ttl=ttl, group_id=group_id)

    def get_node_ids(self) -> Iterable[int]:
        """Return the ids of all nodes."""
        return list(self._contexts)

    def push_messages(self, messages: Iterable[Message]) -> Iterable[str]:
        """Store the messages until their replies are pulled."""
        pushed = {f"message-{next(self._ids)}": message for message in messages}
        for message_id, message in pushed.items():
            _stamp(message, message_id)
        self._pushed |= pushed
        return list(pushed)

    def pull_messages(self, message_ids: Iterable[str]) -> Iterable[Message]:
        """Run these messages through the ClientApp, and return the replies."""
        return [self._deliver(self._pushed.pop(message_id)) for message_id in message_ids]

    def send_and_receive(
        self,
        messages: Iterable[Message],
        *,
        timeout: float | None = None,
    ) -> Iterable[Message]:
        """Run each message through the ClientApp; return the replies that arrived in time.

        Nodes run one after the other, but each has the whole timeout, as if they ran in parallel.
        If a node hangs, the run hangs too, because both are in one process.
        """
        replies = []
        for message in messages:
            began = time.monotonic()
            (message_id,) = self.push_messages([message])
            (reply,) = self.pull_messages([message_id])
            if timeout is None or time.monotonic() - began <= timeout:
                replies.append(reply)
        return replies

    def _deliver(self, message: Message) -> Message:
        one = copied(message)
        try:
            return self._client_app(one, self._contexts[message.metadata.dst_node_id])
        except Exception as error:  # a client's failure is an error reply, as with Ray
            reason = f"{type(error).__name__}: {error}"
            return Message(Error(ErrorCode.CLIENT_APP_RAISED_EXCEPTION, reason), reply_to=one)


def copied(message: Message) -> Message:
    """Return a copy of a message, so that a client that changes it does not affect others."""
    metadata = message.metadata
    copy_of_it = Message(
        RecordDict({key: _copy(record) for key, record in message.content.items()}),
        metadata.dst_node_id,
        metadata.message_type,
        ttl=metadata.ttl,
        group_id=metadata.group_id,
    )
    _stamp(copy_of_it, metadata.message_id)
    return copy_of_it


def _stamp(message: Message, message_id: str) -> None:
    message.metadata.__dict__["_message_id"] = message_id  # as Flower's own grids do


def _copy(record: Any) -> Any:
    new = record.copy()  # copy.copy would share the items
    if isinstance(record, ArrayRecord):
        for name, array in record.items():
            new[name] = copy.copy(array)
    return new
