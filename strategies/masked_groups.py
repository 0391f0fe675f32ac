"""The cloud's part in masked sums: forms the groups, and computes the sum of each group.

The masks are those of Bonawitz et al. 2017, doi:10.1145/3133956.3133982. The groups are disjoint,
so that a gate can judge them (SHARE, Velicheti et al. 2021, arXiv:2110.02940).
"""

import dataclasses
import math
from collections.abc import Iterable, Mapping, Sequence
from logging import WARNING
from typing import Any

import numpy as np
from flwr.app import ConfigRecord, Message, MetricRecord, RecordDict
from flwr.common import log
from flwr.serverapp import Grid

from fog_flower.causes import last_cause
from fog_flower.errors import UserError
from fog_flower.masked import (
    GROUP_EXAMPLES,
    GROUP_KEYS,
    KEY_QUESTION,
    MASKS,
    PUBLIC_KEY,
    REHEARSAL,
    check_weights,
    decode,
)
from fog_flower.messages import CONFIG, METRICS, NUM_EXAMPLES, PARTITION_ID, SERVER_ROUND
from fog_flower.seeds import generator
from fog_flower.weights import Weights, count_bytes
from strategies.questions import Questions
from strategies.rehearsals import Rehearsals
from strategies.updates import Refusal, Update, read_replies

Group = tuple[int, ...]
_KEY_BYTES = 32


@dataclasses.dataclass(frozen=True)
class NodeKey:
    """A fog node's answer when it is asked for a key.

    Attributes
    ----------
    public : bytes
    num_examples : int
        The number of examples by which its dW will be weighted.
    """

    public: bytes
    num_examples: int


class MaskedGroups:
    """Collects keys, sends each fog node those of its group, and unmasks sums of complete groups.

    Parameters
    ----------
    size : int
        ``mask-groups``: no sum over fewer fog nodes is ever unmasked.
    places : int
        The number of fog nodes of the run.
    fog_nodes : mapping
        Node id to partition id. It may change during the run.
    seed : int
        Seeds the groups, which are drawn once: if they changed from round to round, differences
        of their sums would tell the cloud more.
    timeout : float
        Seconds after which a fog node has no key for the round.
    max_examples : int, optional
        Refuse nodes that claim more examples.

    Attributes
    ----------
    note : str
        A note about the round if its groups differ from the usual ones; empty otherwise.
    changed : list of int
        Rounds whose groups differed from the usual ones.
    rehearsals : Rehearsals
        The fog nodes that are left out of groups because they failed in training.
    """

    def __init__(
        self,
        size: int,
        places: int,
        fog_nodes: Mapping[int, int],
        *,
        seed: int = 0,
        timeout: float = 3600.0,
        max_examples: int | None = None,
    ) -> None:
        if not 2 <= size <= places:
            raise ValueError(f"size must be 2 to {places}, the fog nodes, not {size}")
        self.size = size
        self.home = home_groups(places, size, seed)
        self.note = ""
        self.changed: list[int] = []
        self.rehearsals = Rehearsals()
        self._fog_nodes = fog_nodes
        self._timeout = timeout
        self._most = max_examples
        self._round = 0
        self._groups: list[Group] = []
        self._rehearsing: list[int] = []
        self._keys: dict[int, NodeKey] = {}
        self._refusals: list[Refusal] = []

    def ask(
        self, questions: Questions, server_round: int, weights: Weights, grid: Grid
    ) -> Questions:
        """Add the keys of each node's group to the train messages; drop those of other nodes.

        Nodes that rehearse are told so instead.

        Raises
        ------
        UserError
            If the strategy sends other weights than W to some node, or W cannot be masked.
        """
        check_weights(weights, self.size)
        if questions.shifts:
            raise UserError(
                f"mask-groups={self.size}: the strategy sends other weights than W to some fog "
                "nodes, but masks need the same for all; use another strategy, or mask-groups=0"
            )
        there = [message.metadata.dst_node_id for message in questions.messages]
        self._round = server_round
        self._keys, self._refusals = self._asked_for_keys(there, server_round, grid)
        self._rehearsing = self.rehearsals.due(self._keys)
        self._groups, left = self._grouped(self._rehearsing)
        if not self._groups:  # too few nodes for a group: the rehearsing ones take part
            self._rehearsing = []
            self._groups, left = self._grouped(())
        self._refusals += [
            Refusal(fog_node, f"alone: a masked sum takes {self.size} fog nodes")
            for fog_node in left
        ]
        self._tell()
        mine = {fog_node: group for group in self._groups for fog_node in group}
        messages = []
        for message in questions.messages:
            fog_node = self._fog_nodes[message.metadata.dst_node_id]
            if fog_node in mine:
                messages.append(_with_record(message, self._keys_of(mine[fog_node])))
            elif fog_node in self._rehearsing:
                messages.append(_with_record(message, ConfigRecord({REHEARSAL: True})))
        bytes_down = len(messages) * count_bytes(weights)
        return dataclasses.replace(questions, messages=messages, bytes_down=bytes_down)

    def _grouped(self, without: Iterable[int]) -> tuple[list[Group], list[int]]:
        there = set(self._keys) - set(without)
        return groups_of(self.home, there, self.size)

    def _tell(self) -> None:
        self.note = ""
        if set(self._groups) == set(self.home):
            return
        self.changed.append(self._round)
        told = ", ".join(map(_listed, self._groups)) or "none"
        self.note = f"masked groups changed, so differences between rounds tell more: {told}"

    def read(
        self,
        replies: Iterable[Message],
        asked: Sequence[Message],
        weights: Sequence[np.ndarray],
    ) -> tuple[list[Update], list[Refusal]]:
        """Return one update per complete group, and refusals for all other nodes.

        Parameters
        ----------
        replies : iterable of Message
        asked : sequence of Message
            The train messages of the round, as ``ask`` returned them.
        weights : sequence of arrays
            W.
        """
        sent = {
            one.metadata.message_id: one.metadata.dst_node_id
            for one in asked
            if one.metadata.message_id
        }
        # Keyed by whether a node rehearses. Errors of the SuperLink come from its own node id.
        sorted_replies: dict[bool, list[Message]] = {True: [], False: []}
        for reply in replies:
            metadata = reply.metadata
            node_id = sent.get(metadata.reply_to_message_id, metadata.src_node_id)
            sorted_replies[self._rehearses(node_id)].append(reply)
        expected: dict[bool, list[int]] = {True: [], False: []}
        for message in asked:
            node_id = message.metadata.dst_node_id
            expected[self._rehearses(node_id)].append(node_id)
        masked = [np.broadcast_to(np.int32(0), array.shape) for array in weights]
        (updates, refusals), (able, unable) = (
            read_replies(
                sorted_replies[one], expected[one], layout, self._fog_nodes, self._most, sent
            )
            for one, layout in ((False, masked), (True, []))
        )
        opened, refused = self._open(updates, refusals)
        refused += self._rehearsed(able, unable)
        return opened, sorted(refused, key=lambda refusal: refusal.fog_node)

    def take(self) -> dict[str, Any]:
        """Return the state that is kept from round to round, serialisable as JSON."""
        failed, passed = self.rehearsals.failed.items(), self.rehearsals.passed.items()
        return {"failed": list(failed), "passed": list(passed), "changed": self.changed}

    def give_back(self, kept: Mapping[str, Any]) -> None:
        """Restore the state that ``take`` returned in another process."""
        self.rehearsals.failed = dict(kept["failed"])
        self.rehearsals.passed = dict(kept["passed"])
        self.changed = kept["changed"]

    def _rehearses(self, node_id: int) -> bool:
        return self._fog_nodes.get(node_id) in self._rehearsing

    def _rehearsed(self, able: list[Update], refusals: list[Refusal]) -> list[Refusal]:
        """Record the results of rehearsals, and return a refusal for each rehearsing node."""
        told = [Refusal(one.fog_node, self.rehearsals.rehearse(one.fog_node)) for one in able]
        for one in refusals:
            self.rehearsals.fail_rehearsal(one.fog_node)
            reason = f"{one.reason} ({self.rehearsals.why(one.fog_node)})"
            told.append(Refusal(one.fog_node, reason))
        return told

    def _open(
        self, updates: Sequence[Update], refusals: Iterable[Refusal]
    ) -> tuple[list[Update], list[Refusal]]:
        """Return one update per complete group: the mean of its dW, weighted by examples.

        If a node of a group is missing, the group's sum is noise. Its other nodes are refused, and
        the reason names the missing ones.
        """
        answers = {update.fog_node: update for update in updates}
        opened: list[Update] = []
        refused = [*refusals, *self._refusals]
        for group in self._groups:
            missing = [fog_node for fog_node in group if fog_node not in answers]
            for fog_node in group:
                if fog_node in missing:
                    self.rehearsals.fail(fog_node, self._round)
                else:
                    self.rehearsals.join(fog_node)
            if not missing:
                opened.append(self._opened([answers[fog_node] for fog_node in group]))
                continue
            reason = f"its group cannot be opened without fog node {_listed(missing)}"
            refused += [Refusal(one, reason) for one in group if one not in missing]
        asked = {fog_node for group in self._groups for fog_node in group}
        refused += [Refusal(one, "is in no masked group") for one in answers if one not in asked]
        opened.sort(key=lambda update: update.fog_node)
        refused.sort(key=lambda refusal: refusal.fog_node)
        return opened, refused

    def _opened(self, members: list[Update]) -> Update:
        totals = []
        for arrays in zip(*(member.delta for member in members), strict=True):
            total = np.zeros(arrays[0].shape, np.uint32)
            for array in arrays:
                total += array.view(np.uint32)
            totals.append(total)
        told = sum(self._keys[member.fog_node].num_examples for member in members)
        examples = sum(member.num_examples for member in members)
        first = members[0]
        metrics: dict[str, int | float] = {
            PARTITION_ID: first.fog_node,
            NUM_EXAMPLES: examples,
            "loss": math.nan,
            "accuracy": math.nan,
            "seconds": max(member.metric("seconds") for member in members),
        }
        return Update(
            first.fog_node,
            decode(totals, told / examples),
            examples,
            first.message,
            metrics,
            bytes_up=sum(member.bytes_up for member in members),
            members=tuple(members),
        )

    def _asked_for_keys(
        self, node_ids: Iterable[int], server_round: int, grid: Grid
    ) -> tuple[dict[int, NodeKey], list[Refusal]]:
        content = RecordDict({CONFIG: ConfigRecord({SERVER_ROUND: server_round})})
        waiting = {node_id: Message(content, node_id, KEY_QUESTION) for node_id in node_ids}
        answers: dict[int, Message] = {}
        replies = list(grid.send_and_receive(waiting.values(), timeout=self._timeout))
        sent = {m.metadata.message_id: node_id for node_id, m in waiting.items()}
        for reply in replies:
            source = reply.metadata.src_node_id
            # Errors of the SuperLink come from its own node id.
            answers[sent.get(reply.metadata.reply_to_message_id, source)] = reply
        keys: dict[int, NodeKey] = {}
        refusals: list[Refusal] = []
        for node_id in waiting:
            fog_node = self._fog_nodes[node_id]
            try:
                keys[fog_node] = self._read_key(answers.get(node_id))
            except ValueError as error:
                refusals.append(Refusal(fog_node, f"has no key: {error}"))
        told = [key.public for key in keys.values()]
        for fog_node, key in list(keys.items()):
            if told.count(key.public) > 1:
                refusals.append(Refusal(fog_node, "has no key: it is another fog node's"))
                del keys[fog_node]
        for refusal in refusals:
            log(WARNING, "\tfog node %d %s", refusal.fog_node, refusal.reason)
        return keys, refusals

    def _read_key(self, reply: Message | None) -> NodeKey:
        """Return the key in a reply, which is not trusted.

        Raises
        ------
        ValueError
            If the reply is missing, an error or malformed, or claims too many examples.
        """
        if reply is None:
            raise ValueError("missing or late: no reply in time")
        if reply.has_error():
            raise ValueError(f"failed: {last_cause(reply.error.reason)}")
        told = reply.content.config_records.get(MASKS, ConfigRecord())
        counted = reply.content.metric_records.get(METRICS, MetricRecord())
        public, examples = told.get(PUBLIC_KEY), counted.get(NUM_EXAMPLES)
        if not isinstance(public, bytes) or len(public) != _KEY_BYTES:
            raise ValueError("malformed")
        most = math.inf if self._most is None else self._most
        if not isinstance(examples, int) or not 1 <= examples <= most:
            raise ValueError(f"claims {examples} examples, of {most} there can be")
        return NodeKey(public, examples)

    def _keys_of(self, group: Group) -> ConfigRecord:
        keys = [self._keys[fog_node] for fog_node in group]
        return ConfigRecord(
            {
                GROUP_KEYS: [key.public for key in keys],
                GROUP_EXAMPLES: sum(key.num_examples for key in keys),
            }
        )


def _with_record(message: Message, told: ConfigRecord) -> Message:
    metadata = message.metadata
    return Message(
        RecordDict({**message.content, MASKS: told}),
        metadata.dst_node_id,
        metadata.message_type,
        ttl=metadata.ttl,
        group_id=metadata.group_id,
    )


def home_groups(places: int, size: int, seed: int) -> list[Group]:
    """Draw disjoint groups of at least ``size`` fog nodes; all nodes are in one."""
    order = generator(seed, "mask-groups").permutation(places)
    parts = np.array_split(order, places // size)
    return sorted(tuple(sorted(int(fog_node) for fog_node in part)) for part in parts)


def groups_of(
    home: Sequence[Group], there: Iterable[int], size: int
) -> tuple[list[Group], list[int]]:
    """Return the groups of a round, and the nodes that are in none.

    The groups are those of ``home``, without absent nodes. The nodes of groups that are then
    smaller than ``size`` form one group together. If that is still too small, it joins the smallest
    of the other groups; if there is no other, its nodes are left out.
    """
    present = set(there)
    left = [tuple(fog_node for fog_node in group if fog_node in present) for group in home]
    groups = [group for group in left if len(group) >= size]
    rest = tuple(fog_node for group in left if len(group) < size for fog_node in group)
    if rest and len(rest) < size and groups:
        smallest = min(groups, key=lambda group: (len(group), group))
        groups.remove(smallest)
        rest += smallest
    if len(rest) >= size:
        groups.append(tuple(sorted(rest)))
        rest = ()
    return sorted(groups), sorted(rest)


def _listed(group: Iterable[int]) -> str:
    return "+".join(map(str, group))
