"""The contract of a strategy, as checks that run in a second.

They use synthetic replies: a small W, updates that agree, errors, NaN. No model is trained.
"""

import functools
from collections.abc import Callable, Sequence

import numpy as np
from flwr.app import ArrayRecord, ConfigRecord, Message
from flwr.serverapp.strategy import Strategy

from fog_flower.config import RunConfig
from fog_flower.tasks.classification import ClassScores
from fog_flower.tasks.examples import Indices
from fog_flower.tasks.scores import Directions, Scores, Sloped
from fog_flower.weights import Weights, add, from_record, to_record
from simulations.contract.finding import BrokenContractError, Checks
from simulations.contract.replies import (
    STEP,
    WEIGHTS,
    FakeGrid,
    answer,
    failure,
    identify,
    node_id,
)
from strategies.build import inner_strategy
from strategies.gates.open import Open
from strategies.judge import Judge
from strategies.validated_merge import ValidatedMerge


def checks(config: RunConfig) -> Checks:
    """Return the checks of the strategy that ``config`` names.

    Raises
    ------
    UserError
        If the strategy cannot be built.
    """
    identify()
    inner_strategy(config).summary()
    return {name: functools.partial(check, config) for name, check in CHECKS.items()}


def _asks_every_fog_node(config: RunConfig) -> None:
    asked = {m.metadata.dst_node_id for m in _ask(_plain(config), 1, WEIGHTS, config.fog_nodes)}
    wanted = {node_id(number) for number in range(config.fog_nodes)}
    if asked != wanted:
        raise BrokenContractError(
            f"configure_train asked {len(asked)} of {len(wanted)} fog nodes; with fraction_train "
            "below 1 that may be meant"
        )


def _keeps_names_shapes_and_dtypes(config: RunConfig) -> None:
    record, _ = _round(_plain(config), config.fog_nodes, _agreeing(config.fog_nodes))
    wanted = to_record(WEIGHTS)
    if list(record) != list(wanted):
        raise BrokenContractError(f"arrays are named {list(record)}, not {list(wanted)}")
    for array, like in zip(from_record(record), WEIGHTS, strict=True):
        if (array.shape, array.dtype) != (like.shape, like.dtype):
            raise BrokenContractError(
                f"an array is {array.dtype} {array.shape}, not {like.dtype} {like.shape}"
            )


def _moves_where_all_agree(config: RunConfig) -> None:
    record, _ = _round(_plain(config), config.fog_nodes, _agreeing(config.fog_nodes))
    merged, target = from_record(record), add(WEIGHTS, STEP)
    if _distance(merged, target) >= _distance(WEIGHTS, target):
        raise BrokenContractError("all updates agree on a step, but the merge is no nearer to it")


def _answers_the_same_twice(config: RunConfig) -> None:
    deltas = _random(config.fog_nodes)
    first, *others = (_round(_plain(config), config.fog_nodes, deltas)[0] for _ in range(8))
    if not all(_equal(first, other) for other in others):
        raise BrokenContractError("the same replies gave a different merge: seed random draws")


def _is_the_same_behind_an_open_gate(config: RunConfig) -> None:
    deltas = _random(config.fog_nodes)
    plain, _ = _round(_plain(config), config.fog_nodes, deltas)
    gated, _ = _round(_gated(config), config.fog_nodes, deltas)
    if not _equal(plain, gated):
        raise BrokenContractError("behind a gate that accepts everything its merge is different")


def _goes_on_for_five_rounds(config: RunConfig) -> None:
    strategy, weights = _plain(config), list(WEIGHTS)
    for server_round in range(1, 6):
        record, _ = _round(
            strategy, config.fog_nodes, _agreeing(config.fog_nodes), server_round, weights
        )
        weights = from_record(record)
        if not all(np.isfinite(array).all() for array in weights):
            raise BrokenContractError(f"weights are not finite after round {server_round}")


def _survives_failing_late_and_nan_nodes(config: RunConfig) -> None:
    deltas: list[Weights | None] = list(_agreeing(config.fog_nodes))
    deltas[1] = None  # this node raises
    deltas[2] = [np.full_like(array, np.nan) for array in STEP]
    strategy = _gated(config)
    record, _ = _round(strategy, config.fog_nodes, deltas, lost=(3,))
    if not all(np.isfinite(array).all() for array in from_record(record)):
        raise BrokenContractError("even behind the gate its merge is not finite")
    if strategy.report is None or strategy.report.accepted != config.fog_nodes - 3:
        raise BrokenContractError("it did not get the replies of the healthy nodes")


def _does_not_mind_a_metric_of_one_node_alone(config: RunConfig) -> None:
    _round(_plain(config), config.fog_nodes, _agreeing(config.fog_nodes), odd=True)


CHECKS: dict[str, Callable[[RunConfig], None]] = {
    "asks every fog node": _asks_every_fog_node,
    "keeps names, shapes and dtypes": _keeps_names_shapes_and_dtypes,
    "moves where all updates agree": _moves_where_all_agree,
    "answers the same twice": _answers_the_same_twice,
    "is the same behind an open gate": _is_the_same_behind_an_open_gate,
    "works for five rounds": _goes_on_for_five_rounds,
    "survives a failing, a late and a NaN node behind the gate": (
        _survives_failing_late_and_nan_nodes
    ),
    "does not mind a metric that one node alone reports": (
        _does_not_mind_a_metric_of_one_node_alone
    ),
}


class _AnyExamples:
    """A stand-in evaluator, for gates that do not evaluate updates."""

    def __len__(self) -> int:
        return 1

    def score(self, weights: Weights, indices: object = None) -> Scores:  # noqa: ARG002
        loss = min(sum(float(np.abs(array).sum()) for array in weights), 1.0)
        return ClassScores(np.array([[-loss, -1.0]], np.float32), np.zeros(1, np.int64))

    def groups(self, indices: Indices) -> Indices:
        return np.zeros(len(indices), np.int64)

    def slope(
        self,
        weights: Weights,
        indices: Indices,
        importance: object = None,  # noqa: ARG002
        sharpness: float = 1.0,  # noqa: ARG002
    ) -> Sloped:
        level = [np.zeros_like(array) for array in weights]
        return Sloped(np.zeros(len(indices)), level, 0.0, self.score(weights, indices))

    def steps(
        self,
        weights: Weights,
        indices: Indices,  # noqa: ARG002
        learning_rate: float,  # noqa: ARG002
        batch: int,  # noqa: ARG002
    ) -> tuple[float, float]:
        loss = float(self.score(weights).losses.mean())
        return loss, loss


class _AgreeingCloud:
    """A reference trainer, for strategies with data in the cloud, that agrees with all updates."""

    def directions(self, weights: Weights, server_round: int) -> Directions:  # noqa: ARG002
        return Directions(STEP, STEP, [STEP])


def _inner(config: RunConfig) -> Strategy:
    strategy = inner_strategy(config)
    if hasattr(strategy, "reference_trainer"):
        strategy.reference_trainer = _AgreeingCloud()
    return strategy


def _plain(config: RunConfig) -> ValidatedMerge:
    nodes = {node_id(number): number for number in range(config.fog_nodes)}
    return ValidatedMerge(_inner(config), fog_nodes=nodes)


def _gated(config: RunConfig) -> ValidatedMerge:
    nodes = {node_id(number): number for number in range(config.fog_nodes)}
    return ValidatedMerge(_inner(config), Judge(Open(), _AnyExamples()), fog_nodes=nodes)


def _ask(
    strategy: ValidatedMerge, server_round: int, weights: Weights, fog_nodes: int
) -> list[Message]:
    grid = FakeGrid(fog_nodes)
    return list(
        strategy.configure_train(
            server_round,
            to_record(weights),
            ConfigRecord({}),
            grid,  # type: ignore[arg-type]
        )
    )


def _round(
    strategy: ValidatedMerge,
    fog_nodes: int,
    deltas: Sequence[Weights | None],
    server_round: int = 1,
    weights: Weights = WEIGHTS,
    *,
    lost: Sequence[int] = (),
    odd: bool = False,
) -> tuple[ArrayRecord, object]:
    questions = {
        message.metadata.dst_node_id: message
        for message in _ask(strategy, server_round, weights, fog_nodes)
    }
    replies = []
    for fog_node, delta in enumerate(deltas):
        question = questions.get(node_id(fog_node))
        if question is None or fog_node in lost:
            continue
        if delta is None:
            replies.append(failure(question))
        else:
            extra = {"own": 1.0} if odd and fog_node == 0 else {}
            replies.append(answer(question, delta, fog_node, **extra))
    record, metrics = strategy.aggregate_train(server_round, replies)
    if record is None:
        raise BrokenContractError("no arrays came out")
    return record, metrics


def _agreeing(fog_nodes: int) -> list[Weights]:
    return [
        [(array * (1 + 0.01 * number)).astype(np.float32) for array in STEP]
        for number in range(fog_nodes)
    ]


def _random(fog_nodes: int) -> list[Weights]:
    rng = np.random.default_rng(0)
    return [
        [rng.normal(size=array.shape).astype(np.float32) for array in STEP]
        for _ in range(fog_nodes)
    ]


def _distance(one: Weights, other: Weights) -> float:
    return sum(float(np.abs(a - b).sum()) for a, b in zip(one, other, strict=True))


def _equal(one: ArrayRecord, other: ArrayRecord) -> bool:
    pairs = zip(from_record(one), from_record(other), strict=True)
    return all(np.array_equal(a, b) for a, b in pairs)
