"""An attacker with random training results, so that an attack can be tried without training."""

import dataclasses
from collections.abc import Callable, Sequence
from functools import cached_property

import numpy as np
from flwr.app import ConfigRecord, Context, Message, RecordDict

from clients.attacks import ATTACKS
from clients.attacks._attacker import AttackCrashError, Attacker
from clients.attacks._claimed import Claimed
from clients.fog_node import NodeData
from clients.local_result import LocalResult
from fog_flower.config import RunConfig
from fog_flower.data.dataset import Dataset
from fog_flower.data.load import preprocess_of
from fog_flower.errors import UserError
from fog_flower.messages import ARRAYS, CONFIG, SERVER_ROUND
from fog_flower.seeds import generator
from fog_flower.weights import Weights, step_dtype, to_record
from simulations.contract.replies import context_of, identify, made_up_step, node_id

EXAMPLES = 20


@dataclasses.dataclass(frozen=True)
class RehearsedAttacker(Attacker):
    """An attacker whose training results are random, keyed by purpose, fog node and round."""

    dataset: Dataset

    @property
    def honest_update(self) -> Weights:
        """A small random step."""
        return self._step("honest")

    def trained_on(self, data: NodeData) -> LocalResult:
        """Return another small random step, with metrics as after a round."""
        return LocalResult(self._step("trained", int(data.targets.sum())), 1.0, 0.5, 0.1)

    @cached_property
    def data(self) -> NodeData:
        """The first training examples."""
        few = self.dataset.train.take(np.arange(min(EXAMPLES, len(self.dataset.train))))
        inputs = preprocess_of(self.config, self.dataset, few)(few.inputs)
        return NodeData(inputs, few.targets, (len(few),), 0, ())

    def shared(self, name: str, find_out: Callable[[], Weights]) -> Weights:  # noqa: ARG002
        """Compute the weights, without sharing them with other attackers."""
        return find_out()

    def _step(self, *purpose: object) -> Weights:
        words = "-".join(map(str, purpose))
        rng = generator(self.config.seed, words, self.fog_node, self.server_round)
        return made_up_step(self.weights, rng)


def rehearsed(
    config: RunConfig,
    dataset: Dataset,
    weights: Sequence[np.ndarray],
    fog_node: int,
    server_round: int = 1,
) -> RehearsedAttacker:
    """Return an attacker for one fog node and round."""
    identify()
    content = RecordDict(
        {ARRAYS: to_record(weights), CONFIG: ConfigRecord({SERVER_ROUND: server_round})}
    )
    context = context_of(config, fog_node)
    message = Message(content, node_id(fog_node), "train")
    return RehearsedAttacker(
        config, fog_node, server_round, message, context, _nobody, dataset=dataset
    )


def arrays_of(sent: Weights | LocalResult | Claimed) -> Weights:
    """Return the dW of an attack's result."""
    return sent.delta if isinstance(sent, LocalResult | Claimed) else sent


def rehearse_attack(config: RunConfig, dataset: Dataset, weights: Sequence[np.ndarray]) -> None:
    """Run the configured attack for its first round, and check the update that it sends.

    An attack that crashes on purpose (``AttackCrashError``) passes.

    Raises
    ------
    UserError
        If the attack fails, returns something that cannot be sent, or returns arrays whose shapes
        or dtypes the cloud would refuse.
    """
    attack, first = ATTACKS.load(config.attack), config.attack_rounds.start
    try:
        sent = rehearsed(config, dataset, weights, min(config.malicious_nodes), first).send(attack)
    except AttackCrashError:
        return
    arrays = arrays_of(sent)
    ours = [(array.shape, step_dtype(array.dtype)) for array in weights]
    theirs = [(array.shape, array.dtype) for array in arrays]
    if ours != theirs:
        odd = next(
            (n for n, pair in enumerate(zip(ours, theirs, strict=False)) if len(set(pair)) > 1), 0
        )
        told = (
            f"{len(theirs)} arrays, but dW has {len(ours)}"
            if len(theirs) != len(ours)
            else f"array {odd} as {theirs[odd][1]} {list(theirs[odd][0])}, but dW has "
            f"{ours[odd][1]} {list(ours[odd][0])}"
        )
        raise UserError(
            f"attack={config.attack!r}: sent {told}: the cloud would refuse it in every round, "
            "whatever strategy stands behind; return arrays as attacker.honest_update has them"
        )


def _nobody(_message: Message, _context: Context) -> Message:
    raise RuntimeError("in a rehearsal no fog node trains: use honest_update, not honest_reply")
