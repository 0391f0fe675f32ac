"""What a fog node does once only, because it costs its examples epsilon each time."""

import re
from collections.abc import Iterator
from pathlib import Path

from flwr.app import ConfigRecord, Context

from clients.fog_node import NodeData
from clients.local_training import node_data
from clients.privacy.fog_node.dp_sgd import DpSgd
from clients.privacy.fog_protection import fog_protections
from clients.privacy.releases import promise_of
from fog_flower.config import ENTROPY, RunConfig
from fog_flower.errors import UserError
from fog_flower.privacy.disclosure import LAPLACE
from fog_flower.scratch import scratch_dir
from fog_flower.simulated import is_simulated_node

ONCE, _RUN, _MARKS = "counted-once", "run", "marks"
SHIPPED, _ROUND = "shipped", re.compile(r"round-(\d+)")


def own_data(context: Context, config: RunConfig, fog_node: int) -> NodeData:
    """Return a fog node's data, as its end nodes drew noise and shares once for this run.

    Raises
    ------
    UserError
        If the node has had data before and lost them, and with them noise that the ledger counts
        once.
    """
    drawn = config.protection or config.share_fraction < 1.0 or config.example_counts.how == LAPLACE
    if not (drawn and config.noise_source == ENTROPY):
        return node_data(context.run_id, config, fog_node)
    marks = _Marks(context, fog_node)
    data = node_data(context.run_id, config, fog_node, build=SHIPPED not in marks)
    marks.add(SHIPPED)
    return data


def spend_round(context: Context, config: RunConfig, fog_node: int, server_round: int) -> None:
    """Note a round before the node trains in it, where each round is accounted for.

    The ledger covers one answer in each of ``num-server-rounds`` rounds. A cloud, or a mod around
    training, that asks for more gets none. Without a mechanism per round nothing is noted.

    Raises
    ------
    UserError
        If the node has already trained in this round or a later one, or the run has no such round.
    """
    if not (config.training_metrics.how == LAPLACE or _promises_each_round(config)):
        return
    marks = _Marks(context, fog_node)
    rounds = [int(found[1]) for mark in marks if (found := _ROUND.fullmatch(mark))]
    last = max(rounds, default=0)
    fits = last < server_round <= config.num_server_rounds
    if not (fits and marks.add(f"round-{server_round}")):
        raise UserError(
            f"round {server_round} after round {last} of num-server-rounds="
            f"{config.num_server_rounds}: the privacy ledger covers one training in each round, "
            "so this node does not train; nothing may ask it twice"
        )


def _promises_each_round(config: RunConfig) -> bool:
    """Check whether a protection of dW, DP-SGD or a user's own, promises anything."""
    return any(
        isinstance(one, DpSgd) or promise_of(text, one, config).promises
        for text, one in fog_protections(config)
    )


class _Marks:
    """Marks of what a fog node has done in this run.

    They are in the node's state. On a deployment they are also files, because a SuperNode that is
    started again has lost its state: what either of them knows is known, and put into both.
    """

    def __init__(self, context: Context, fog_node: int) -> None:
        self._state, self._run = context.state, str(context.run_id)
        self._folder: Path | None = None
        if not is_simulated_node(context):
            self._folder = scratch_dir(context.run_id) / f"fog-node-{fog_node}-once"
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for mark in self._in_state():
                (self._folder / mark).touch()

    def __iter__(self) -> Iterator[str]:
        in_files = [path.name for path in self._folder.iterdir()] if self._folder else []
        return iter({*self._in_state(), *in_files})

    def __contains__(self, mark: object) -> bool:
        return mark in set(self)

    def add(self, mark: str) -> bool:
        """Add a mark; return whether this call did, of several processes at once."""
        new = mark not in self
        if self._folder and new:
            try:
                (self._folder / mark).touch(exist_ok=False)
            except FileExistsError:
                new = False
        self._state[ONCE] = ConfigRecord({_RUN: self._run, _MARKS: sorted({*self, mark})})
        return new

    def _in_state(self) -> list[str]:
        """Return the marks of this run; a series of runs keeps the state of the one before."""
        kept = self._state.config_records.get(ONCE, ConfigRecord())
        if kept.get(_RUN) != self._run:
            return []
        return [str(mark) for mark in kept[_MARKS]]  # type: ignore[union-attr]
