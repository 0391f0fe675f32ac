"""Tracks which SuperNode is which fog node, and which of them take part in a round."""

import time
from collections.abc import Iterable
from logging import INFO, WARNING
from typing import Any

from flwr.app import Message
from flwr.common import log
from flwr.common.constant import ErrorCode
from flwr.serverapp import Grid

from fog_flower.causes import last_cause
from fog_flower.config import RunConfig
from fog_flower.errors import UserError
from fog_flower.privacy.repeats import ONCE, Repeats
from fog_flower.simulated import is_simulation
from strategies.handshake import Introduction, ask, how_to_start, read_introduction

SIMULATED_GATHER_SECONDS = 10.0  # all simulated nodes connect at once
GATHER_SECONDS = 75.0  # a SuperNode that restarts with authentication is refused for 60 s
POLL_SECONDS = 0.05
ROUND_POLL_SECONDS = 0.5
LOOKS = 3  # a strategy asks for the nodes once or twice a round; one that waits, every second

_GONE = (ErrorCode.NODE_UNAVAILABLE, ErrorCode.MESSAGE_UNAVAILABLE)


class Membership:
    """A grid that lists, in each round, the fog nodes that are online and have been checked.

    Before round 1 it asks every SuperNode to introduce itself. A SuperNode that joins or returns
    later is asked before it takes part, and must have the right partition id, code and data. A
    round starts once ``min-available-nodes`` fog nodes are online; it waits up to
    ``round-timeout``.

    Parameters
    ----------
    grid : Grid
        Flower's grid.
    config : RunConfig
    repeats : Repeats
        What a continued run releases again.

    Attributes
    ----------
    simulated : bool
        Whether the nodes are simulated.
    fog_nodes : dict
        Node id to partition id. It changes when a fog node returns under a new node id.
    introductions : dict
        Partition id to the introduction of the fog node.
    repeats : Repeats
    """

    def __init__(self, grid: Grid, config: RunConfig, repeats: Repeats = ONCE) -> None:
        self.simulated = is_simulation(grid)
        self.fog_nodes: dict[int, int] = {}
        self.introductions: dict[int, Introduction] = {}
        self._grid = grid
        self._config = config
        self.repeats = repeats
        self._least = config.min_available_nodes or config.fog_nodes
        self._data_identity = ""
        self._content = ""
        self._asked: dict[str, int] = {}  # message id to node id, of unanswered questions
        self._away: set[int] = set()  # members that must introduce themselves again
        self._refused: set[int] = set()
        self._waiting: dict[int, Introduction] = {}  # its partition id still seems to be taken
        self._round: dict[int, None] = {}  # an ordered set: the node ids of this round
        self._round_began = 0.0
        self._looks = 0
        self._sent = True  # whether the round's messages are sent: the next look starts a new one

    def find_nodes(self) -> None:
        """Find the SuperNodes and ask them to introduce themselves, without waiting for replies.

        Raises
        ------
        UserError
            If there are too few, or in a simulation too many. The message shows the right command.
        """
        wanted = self._config.fog_nodes
        patience = SIMULATED_GATHER_SECONDS if self.simulated else GATHER_SECONDS
        deadline = time.monotonic() + min(patience, self._config.round_timeout)
        told = False
        while len(found := list(self._grid.get_node_ids())) < wanted:
            if time.monotonic() > deadline:
                break
            if not told:
                log(INFO, "waiting for %d SuperNodes, %d are there", wanted, len(found))
            told = True
            time.sleep(ROUND_POLL_SECONDS)
        # In a deployment, a killed SuperNode seems to be online for another minute.
        if len(found) < self._least or (self.simulated and len(found) > wanted):
            least = f", min-available-nodes={self._least}" if self._least < wanted else ""
            raise UserError(
                f"fog-nodes={wanted}{least}, but the federation has {len(found)} "
                f"{'SuperNode' if len(found) == 1 else 'SuperNodes'}: "
                f"{how_to_start(self._config, simulated=self.simulated)}"
            )
        self._asked = ask(self._grid, found, self.repeats)

    def introduce(self, data_identity: str, content: str = "") -> None:
        """Wait for the introductions, and check that the fog nodes fit together.

        Parameters
        ----------
        data_identity : str
            Spec and task of the cloud's data.
        content : str
            Hash of the cloud's data. It is checked in simulations only, where every process loads
            the same data; in a deployment, fog nodes have their own.

        Raises
        ------
        UserError
            If a fog node fails or does not fit, two claim the same place, or fewer than
            ``min-available-nodes`` answer within ``round-timeout``.
        """
        self._data_identity = data_identity
        self._content = content if self.simulated else ""
        deadline = time.monotonic() + self._config.round_timeout
        while not self._complete():
            for node_id, reply in self._answers():
                self._take(node_id, reply)
            if not self._asked or self._complete() or time.monotonic() > deadline:
                break
            time.sleep(POLL_SECONDS)
        if len(self.fog_nodes) < self._least:
            raise UserError(
                f"round-timeout={self._config.round_timeout:g}: fog nodes {_listed(self.missing)} "
                f"of {self._config.fog_nodes} did not answer before round 1; raise round-timeout "
                "or look at their logs"
            )
        if self.missing:
            log(WARNING, "fog nodes that are not there: %s", _listed(self.missing))
        for introduction in self.introductions.values():
            for line in introduction.refused:
                log(WARNING, "refused: %s", line)
        examples = sum(one.num_examples for one in self.introductions.values())
        log(INFO, "%d fog nodes, %d examples", len(self.fog_nodes), examples)

    @property
    def places(self) -> int:
        """The number of fog nodes of the run, present or not."""
        return self._config.fog_nodes

    @property
    def missing(self) -> list[int]:
        """The partition ids that have no SuperNode in this round (before round 1: so far)."""
        there = {self.fog_nodes.get(node_id) for node_id in self._round or self.fog_nodes}
        return [n for n in range(self._config.fog_nodes) if n not in there]

    def note(self) -> str:
        """Return one line that names the missing fog nodes; empty if none is missing."""
        missing = self.missing
        return f"not there: fog node {_listed(missing)}" if missing else ""

    def get_node_ids(self) -> list[int]:
        """Return the node ids of this round. Within a round, nodes are added but never removed.

        Raises
        ------
        UserError
            If there are too few after ``round-timeout``, for ``min-available-nodes`` or for the
            strategy.
        """
        if self._sent:
            self._round, self._looks, self._round_began = {}, 0, time.monotonic()
            self._sent = False
        self._look()
        told = False
        while len(self._round) < self._least:
            if not told:
                words = "waiting for %d fog nodes, %d are there; missing: %s"
                log(WARNING, words, self._least, len(self._round), _listed(self.missing))
            told = True
            if self._overdue():
                raise UserError(
                    f"round-timeout={self._config.round_timeout:g}: only {len(self._round)} of at "
                    f"least {self._least} fog nodes are there, missing: {_listed(self.missing)}; "
                    "start them again and continue the run, or continue it with a lower "
                    "min-available-nodes"
                )
            time.sleep(ROUND_POLL_SECONDS)
            self._look()
        self._looks += 1
        if self._looks > LOOKS and self._overdue():
            raise UserError(
                f"strategy={self._config.strategy!r} waits for more than the {len(self._round)} "
                "fog nodes that are there: lower its min_available_nodes, min_train_nodes and "
                "min_evaluate_nodes in strategy-args"
            )
        return list(self._round)

    def send_and_receive(
        self, messages: Iterable[Message], *, timeout: float | None = None
    ) -> Iterable[Message]:
        """Send messages and receive the replies; the next ``get_node_ids`` starts a new round."""
        self._sent = True
        return self._grid.send_and_receive(messages, timeout=timeout)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._grid, name)

    def _overdue(self) -> bool:
        return time.monotonic() - self._round_began > self._config.round_timeout

    def _complete(self) -> bool:
        return len(self.fog_nodes) == self._config.fog_nodes

    def _look(self) -> None:
        """Add online, checked nodes to the round, and ask unknown ones to introduce themselves."""
        online = set(self._grid.get_node_ids())
        self._away |= set(self.fog_nodes) - online
        self._refused &= online
        self._asked = {sent: n for sent, n in self._asked.items() if n in online}
        self._waiting = {n: one for n, one in self._waiting.items() if n in online}
        known = set(self.fog_nodes) - self._away
        pending = {*self._asked.values(), *self._waiting}
        if strangers := online - known - self._refused - pending:
            self._asked |= ask(self._grid, sorted(strangers), self.repeats)
        for node_id, reply in self._answers():
            self._hear(node_id, reply)
        for node_id in list(self._waiting):
            self._take_back(node_id, online)
        here = (n for n in self.fog_nodes if n in online and n not in self._away)
        self._round |= dict.fromkeys(here)

    def _answers(self) -> list[tuple[int, Message]]:
        """Return the replies received so far, each with the node that was asked."""
        if not self._asked:
            return []
        answers = []
        for reply in self._grid.pull_messages(list(self._asked)):
            # Errors of the SuperLink come from its own node id.
            node_id = self._asked.pop(reply.metadata.reply_to_message_id, None)
            if node_id is not None:
                answers.append((node_id, reply))
        return answers

    def _take(self, node_id: int, reply: Message) -> None:
        """Admit a fog node before round 1; raise if it failed, does not fit or is a duplicate."""
        if reply.has_error():
            cause = last_cause(reply.error.reason)
            if reply.error.code not in _GONE:
                raise UserError(f"a fog node failed before round 1: {cause}")
            log(WARNING, "a SuperNode went before round 1: %s", cause)
            return
        introduction = read_introduction(reply, self._config, self._data_identity, self._content)
        if introduction.fog_node in self.introductions:
            raise UserError(
                f"partition-id={introduction.fog_node}: taken twice; give every SuperNode its own "
                "partition-id"
            )
        self._place(node_id, introduction)

    def _hear(self, node_id: int, reply: Message) -> None:
        """Read the introduction of a node that joined late or returned; refuse it if wrong."""
        try:
            if reply.has_error():
                raise UserError(last_cause(reply.error.reason))
            introduction = read_introduction(
                reply, self._config, self._data_identity, self._content
            )
            place = self.fog_nodes.get(node_id, introduction.fog_node)
            if place != introduction.fog_node:
                raise UserError(
                    f"partition-id={introduction.fog_node}: this node was fog node {place} before; "
                    "start it with the same partition-id"
                )
        except UserError as error:
            self._refused.add(node_id)
            log(WARNING, "a SuperNode that came later is refused: %s", error)
        else:
            self._waiting[node_id] = introduction

    def _take_back(self, node_id: int, online: set[int]) -> None:
        """Admit a waiting fog node, unless another node with its partition id seems online.

        A fog node that was killed and restarted has a new node id, while its old one seems online
        until its heartbeat has been missing for a minute.
        """
        introduction = self._waiting[node_id]
        holders = [n for n, place in self.fog_nodes.items() if place == introduction.fog_node]
        others = [n for n in holders if n != node_id]
        if any(n in online and n not in self._away for n in others):
            return
        for other in others:
            del self.fog_nodes[other]
            self._away.discard(other)
        del self._waiting[node_id]
        self._place(node_id, introduction)
        log(INFO, "fog node %d is there", introduction.fog_node)

    def _place(self, node_id: int, introduction: Introduction) -> None:
        self._away.discard(node_id)
        self.fog_nodes[node_id] = introduction.fog_node
        self.introductions[introduction.fog_node] = introduction


def _listed(numbers: Iterable[int]) -> str:
    return ", ".join(map(str, numbers))
