"""The contract of a gate."""

from collections.abc import Sequence

import numpy as np
from flwr.app import Message, RecordDict

from fog_flower.config import FLOAT32, RunConfig
from fog_flower.data.load import load_dataset
from fog_flower.weights import Weights, subtract
from simulations.contract.finding import BrokenContractError, Checks, check_unchanged
from simulations.contract.replies import answer, identify, node_id
from simulations.quiet import load_tensorflow_quietly
from strategies.build import build_judge
from strategies.gate import Decision
from strategies.judge import Judgement
from strategies.updates import Update

HUGE = 1e30
RATE, EPOCHS, BATCH = 0.1, 3, 32  # of honest training


def checks(config: RunConfig) -> Checks:
    """Return the checks of the gate that ``config`` names, on trained updates of its model."""
    contract = _Contract(config)
    return {
        "decides on every update, and lets honest ones in": contract.lets_some_in,
        "decides the same twice": contract.is_repeatable,
        "decides on a single update, and on two": contract.takes_any_number,
        "survives zeros, copies, enormous numbers and NaN": contract.survives_hostile_updates,
        "does not change what it is given": contract.changes_nothing,
    }


class _Contract:
    """The checks, with the gate, validation examples, W and three honestly trained updates."""

    def __init__(self, config: RunConfig) -> None:
        identify()
        dataset = load_dataset(config)
        load_tensorflow_quietly()
        import tensorflow as tf  # noqa: PLC0415

        from strategies.cloud import Cloud  # noqa: PLC0415  (TensorFlow)
        from strategies.compiled_model import shared_model  # noqa: PLC0415

        cloud = Cloud(config, dataset)
        self._weights = cloud.initial_weights
        model = shared_model(config.model, dataset.spec, dataset.task, FLOAT32)
        train = dataset.train.take(cloud.split.train)
        self._honest = []
        for number in range(3):
            part = train.take(np.arange(number, len(train), 3))
            inputs, targets = tf.constant(cloud.preprocess(part.inputs)), tf.constant(part.targets)
            model.load(self._weights)
            for _ in range(EPOCHS):
                model.epoch(inputs, targets, tf.constant(RATE), BATCH)
            self._honest.append(subtract(model.weights(), self._weights))
        self._judge = build_judge(config, cloud.validation, cloud.reference_trainer, cloud.trainer)

    def lets_some_in(self) -> None:
        judgement = self._judged(self._honest)
        if not any(decision.accepted for decision in judgement.decisions) and not judgement.own:
            raise BrokenContractError(
                "it refused all three honest updates: nothing would be learned"
            )

    def is_repeatable(self) -> None:
        one, other = ([d.accepted for d in self._decided(self._honest)] for _ in range(2))
        if one != other:
            raise BrokenContractError("called twice, it decided differently: keep no state")

    def takes_any_number(self) -> None:
        for count in (1, 2):
            self._decided(self._honest[:count])

    def survives_hostile_updates(self) -> None:
        honest, *_ = self._honest
        zero = [0 * array for array in honest]
        flipped = [-array for array in honest]
        huge = [np.full_like(array, HUGE) for array in honest]
        nan = [np.full_like(array, np.nan) for array in honest]
        decisions = self._decided([honest, zero, flipped, huge, nan, honest])
        if decisions[4].accepted:
            raise BrokenContractError("it accepted NaN")
        self._decided([zero, huge])

    def changes_nothing(self) -> None:
        given = [array for delta in self._honest for array in delta]
        check_unchanged(given, lambda: self._decided(self._honest), "it changed an update in place")

    def _decided(self, deltas: Sequence[Weights]) -> list[Decision]:
        return self._judged(deltas).decisions

    def _judged(self, deltas: Sequence[Weights]) -> Judgement:
        updates = [_update(number, delta) for number, delta in enumerate(deltas)]
        return self._judge.judge(1, self._weights, updates)


def _update(fog_node: int, delta: Weights) -> Update:
    question = Message(RecordDict(), node_id(fog_node), "train")
    return Update(fog_node, delta, 40, answer(question, delta, fog_node), {})
