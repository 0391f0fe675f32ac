"""A malicious fog node, as attacks see it: what it knows, and the honest code that it can use."""

import contextlib
import dataclasses
import uuid
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from flwr.app import Context, Message, RecordDict
from flwr.clientapp.typing import ClientAppCallable

from clients.attacks._claimed import Claimed
from clients.fog_node import NodeData
from clients.local_result import LocalResult
from clients.local_training import answer, node_data, train_on
from clients.overheard import reply_of
from clients.privacy.fog_protection import packs
from fog_flower.causes import in_user_code
from fog_flower.config import RunConfig
from fog_flower.data.field import prepare_field
from fog_flower.data.trigger import white_pixel
from fog_flower.errors import UserError
from fog_flower.messages import ARRAYS, NUM_EXAMPLES
from fog_flower.named import Named
from fog_flower.scratch import scratch_dir
from fog_flower.seeds import generator
from fog_flower.sparse import from_sparse_record, is_sparse
from fog_flower.tasks.examples import Array, Spec
from fog_flower.tasks.task import Task
from fog_flower.weights import Weights, from_record, step_dtype, to_record


class AttackCrashError(RuntimeError):
    """The failure of a fog node on purpose."""


@dataclasses.dataclass(frozen=True)
class Attacker:
    """One malicious node in one round.

    Attributes
    ----------
    config : RunConfig
    fog_node, server_round : int
    message, context, call_next :
        The arguments of the client mod; ``call_next`` is the honest ClientApp.
    """

    config: RunConfig
    fog_node: int
    server_round: int
    message: Message
    context: Context
    call_next: ClientAppCallable

    @cached_property
    def honest_reply(self) -> Message:
        """The reply of the honest ClientApp, which trains only once."""
        return reply_of(self.config, self.fog_node, self.message, self.context, self.call_next)

    @property
    def honest_update(self) -> Weights:
        """The dW of the honest reply."""
        record = self.honest_reply.content.array_records[ARRAYS]
        return (
            from_sparse_record(record, self.weights) if is_sparse(record) else from_record(record)
        )

    @cached_property
    def weights(self) -> Weights:
        """W, as the cloud sent it."""
        return from_record(self.message.content.array_records[ARRAYS])

    def trained_on(self, data: NodeData) -> LocalResult:
        """Return the result that the honest ClientApp would have if ``data`` were its data."""
        return train_on(data, self.message, self.config, self.fog_node)

    def send(self, attack: Named) -> Weights | LocalResult | Claimed:
        """Call an attack as configured, and return what it sends, in the dtypes of dW.

        Raises
        ------
        UserError
            If it returns neither a list of arrays, nor a ``LocalResult`` or ``Claimed``, or the
            user's own attack fails.
        """
        config = self.config
        strength = {"strength": config.attack_strength} if config.attack_strength else {}
        what = f"attack={config.attack!r}"
        on_purpose = in_user_code(what, unless=lambda error: isinstance(error, AttackCrashError))
        with on_purpose if attack.own else contextlib.nullcontext():
            sent = attack.item(self, **strength)
        if isinstance(sent, LocalResult | Claimed):
            return dataclasses.replace(sent, delta=self._in_dtypes(_as_arrays(sent.delta, what)))
        return self._in_dtypes(_as_arrays(sent, what))

    def _in_dtypes(self, delta: Weights) -> Weights:
        """Cast floats to the precision of dW, since NumPy often promotes them to float64."""
        if len(delta) != len(self.weights):
            return delta
        wanted = [step_dtype(array.dtype) for array in self.weights]
        with np.errstate(over="ignore"):
            return [
                array.astype(dtype) if array.dtype.kind == dtype.kind == "f" else array
                for array, dtype in zip(delta, wanted, strict=True)
            ]

    def answer(self, sent: Weights | LocalResult | Claimed) -> Message:
        """Return the reply with what an attack sends; a dW is put into the honest reply."""
        if isinstance(sent, LocalResult):
            return answer(
                sent, self.data.told, self.message, self.fog_node, packed=packs(self.config)
            )
        reply = self.honest_reply
        if reply.has_content():
            delta = sent.delta if isinstance(sent, Claimed) else sent
            reply.content[ARRAYS] = to_record(delta)
            if isinstance(sent, Claimed):
                for metrics in reply.content.metric_records.values():
                    metrics[NUM_EXAMPLES] = sent.num_examples
        return reply

    @property
    def task(self) -> Task:
        """The task of the data set."""
        return prepare_field(self.config).dataset.task

    @property
    def spec(self) -> Spec:
        """Shape and dtype of one input."""
        return prepare_field(self.config).dataset.spec

    @property
    def white(self) -> Array:
        """A white pixel as a model sees it, float32 [1, 1, 1, channels].

        Raises
        ------
        UserError
            If the inputs are not images.
        """
        return white_pixel(prepare_field(self.config))

    @cached_property
    def data(self) -> NodeData:
        """The node's own noisy data."""
        return node_data(self.context.run_id, self.config, self.fog_node)

    @cached_property
    def rng(self) -> np.random.Generator:
        """The node's own random generator for this round."""
        return self.seeded(self.fog_node)

    def seeded(self, node: int) -> np.random.Generator:
        """Return a fresh generator of a colluder for this round."""
        return generator(self.config.seed, "attack", node, self.server_round)

    @property
    def total_examples(self) -> int:
        """The number of training examples of all nodes together, the largest plausible claim."""
        return len(prepare_field(self.config).train)

    @property
    def colluders(self) -> list[int]:
        """All malicious nodes, itself included, sorted. They share all their knowledge."""
        return sorted(self.config.malicious_nodes)

    def honest_updates(self) -> list[Weights]:
        """Return the updates that the colluders would send if they were honest.

        Training is repeatable, so each colluder can compute the updates of the others. The first
        one stores the result for the others of this run.
        """
        return [self._honest_update(node) for node in self.colluders]

    def others_updates(self) -> list[Weights]:
        """Return the updates of the honest nodes, as known to an attacker that sees all traffic.

        If no node is honest, return those that the colluders would send if they were.
        """
        bad = self.config.malicious_nodes
        honest = [node for node in range(self.config.fog_nodes) if node not in bad]
        return [self._honest_update(node) for node in honest or self.colluders]

    def all_updates(self) -> list[Weights]:
        """Return the updates that all nodes would send if they were honest."""
        return [self._honest_update(node) for node in range(self.config.fog_nodes)]

    @property
    def leader(self) -> "Attacker":
        """The first of the colluders, which computes what all of them share."""
        node = self.colluders[0]
        return self if node == self.fog_node else self._as(node)

    def shared(self, name: str, find_out: Callable[[], Weights]) -> Weights:
        """Return the value stored as ``name`` by a colluder in this round, or compute and store it.

        ``find_out`` must return the same value in every process, because two may call it at once.
        """
        path = self._shared_file(self.server_round, name)
        if (known := _kept(path)) is not None:
            return known
        found, folder = find_out(), path.parent
        folder.mkdir(parents=True, exist_ok=True)
        for old in folder.glob("round-*"):
            if not old.name.startswith(f"round-{self.server_round}-"):
                old.unlink(missing_ok=True)
        staged = folder / f"{uuid.uuid4().hex}.npz"
        np.savez(staged, *found)
        staged.replace(path)
        return found

    def shared_before(self, name: str) -> Weights | None:
        """Return what was shared in the previous round; None once this round shares something."""
        return _kept(self._shared_file(self.server_round - 1, name))

    def _shared_file(self, server_round: int, name: str) -> Path:
        return scratch_dir(self.context.run_id) / "collusion" / f"round-{server_round}-{name}.npz"

    def _honest_update(self, node: int) -> Weights:
        asked = self if node == self.fog_node else self._as(node)

        return self.shared(f"fog-{node}", lambda: asked.honest_update)

    def _as(self, node: int) -> "Attacker":
        context = Context(
            run_id=self.context.run_id,
            node_id=self.context.node_id,
            node_config={**self.context.node_config, "partition-id": node},
            state=RecordDict(),
            run_config=self.context.run_config,
        )
        return dataclasses.replace(self, fog_node=node, context=context)


def _kept(path: Path) -> Weights | None:
    if not path.exists():
        return None
    with np.load(path, allow_pickle=False) as content:
        return [content[name] for name in content.files]


def _as_arrays(sent: Any, what: str) -> Weights:
    """Return what an attack sends as arrays, or raise; the cloud checks whether they fit W."""
    remedy = (
        "return a list of arrays, as attacker.honest_update is, or what attacker.trained_on(data) "
        "returns"
    )
    if not isinstance(sent, list | tuple):
        raise UserError(f"{what}: returned {type(sent).__name__}; {remedy}")
    arrays = []
    for position, item in enumerate(sent):
        array = np.asarray(item) if hasattr(item, "__array__") else None
        if array is None or array.dtype.kind not in "fiub":
            kind = type(item).__name__ if array is None else f"array of {array.dtype}"
            raise UserError(f"{what}: returned a list whose item {position} is a {kind}; {remedy}")
        arrays.append(array)
    return arrays
