"""From the configuration to the cloud's strategy: which one, and behind which gate."""

import ast
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import flwr.serverapp.strategy as flower_strategies
from flwr.serverapp.strategy import Strategy

from fog_flower.config import (
    ALONE,
    COSINE,
    GREEDY,
    LEAVE_ONE_OUT,
    MEAN,
    NORM,
    OFF,
    OPEN,
    TRUSTED,
    ZENO,
    RunConfig,
)
from fog_flower.errors import UserError
from fog_flower.evaluation import Evaluator, ReferenceTrainer
from fog_flower.references import load_reference
from strategies.fltrust import FLTrust
from strategies.policies import (
    Alone,
    CosineScreen,
    Greedy,
    LeaveOneOut,
    NormScreen,
    OpenGate,
    Policy,
    SequentialTest,
    Trusted,
    Zeno,
)
from strategies.updates_to_weights import UpdatesToWeights
from strategies.validated_merge import ValidatedMerge

# merge=sum scales updates such that a weighted mean becomes a sum; these take none.
NO_WEIGHTED_MEAN = (
    flower_strategies.Bulyan,
    flower_strategies.FedMedian,
    flower_strategies.FedTrimmedAvg,
    flower_strategies.Krum,
    flower_strategies.QFedAvg,
    FLTrust,
)
OURS: dict[str, type[Strategy]] = {"FLTrust": FLTrust}

POLICIES: dict[str, Callable[[RunConfig], Policy]] = {
    OPEN: lambda _: OpenGate(),
    TRUSTED: lambda c: Trusted(c.validation_tolerance, SequentialTest(c.gate_images, c.gate_error)),
    GREEDY: lambda c: Greedy(c.validation_tolerance, c.gate_images),
    LEAVE_ONE_OUT: lambda c: LeaveOneOut(c.validation_tolerance, c.gate_images),
    ALONE: lambda c: Alone(images=c.gate_images),  # literal: no tolerance
    NORM: lambda _: NormScreen(),
    COSINE: lambda _: CosineScreen(),
    ZENO: lambda c: Zeno(images=c.gate_images),
}


def cloud_strategy(
    config: RunConfig,
    strategy: Strategy,
    evaluator: Evaluator,
    fog_nodes: Mapping[int, int],
    reference: ReferenceTrainer,
) -> UpdatesToWeights:
    """Put the configured gate around the configured strategy.

    Parameters
    ----------
    config : RunConfig
    strategy : Strategy
        From ``inner_strategy``.
    evaluator : Evaluator
        Of the validation images.
    fog_nodes : mapping
        Node id to partition id.
    reference : ReferenceTrainer
        On the validation images; also given to a strategy that takes one (``FLTrust``).
    """
    common: dict[str, Any] = {
        "fog_nodes": fog_nodes,
        "max_examples": config.train_images or None,
        "local_images": config.local_validation_images,
        "last_round": config.rounds,
        "seed": config.seed,
    }
    if isinstance(strategy, FLTrust):
        strategy.reference = reference
    if config.validation == OFF:
        return UpdatesToWeights(strategy, evaluator, scale_to_sum=config.merge != MEAN, **common)
    return ValidatedMerge(
        strategy,
        evaluator,
        POLICIES[config.validation](config),
        reference=reference,
        merge=config.merge,
        **common,
    )


def inner_strategy(config: RunConfig) -> Strategy:
    """Build the strategy that ``strategy`` names: one of Flower's, or ``module:Class``.

    It is told the number of fog nodes, where its constructor takes it (as all of Flower's do),
    and not to evaluate on clients: the validation images live in the cloud alone.

    Raises
    ------
    UserError
        If there is no such strategy, or its arguments do not fit.
    """
    reference = config.strategy
    if ":" in reference:
        build = load_reference(reference, "strategy")
    else:
        build = OURS.get(reference) or getattr(flower_strategies, reference, None)
        if build is None or not inspect.isclass(build):
            raise UserError(
                f"strategy={reference!r}: Flower has {', '.join(_flower_names())}, we have "
                f"{', '.join(OURS)}; write your own as module:Class"
            )
    arguments = _parse_arguments(config.strategy_args)
    try:
        strategy = build(**{**_federation_arguments(build, config.fog_nodes), **arguments})
    except (TypeError, ValueError) as error:
        raise UserError(
            f"strategy={reference!r}, strategy-args={config.strategy_args!r}: {error}"
        ) from error
    if not isinstance(strategy, Strategy):
        raise UserError(
            f"strategy={reference!r}: made a {type(strategy).__name__}, which is no "
            "flwr.serverapp.strategy.Strategy; derive it from one, e.g. from FedAvg"
        )
    if config.merge != MEAN and isinstance(strategy, NO_WEIGHTED_MEAN):
        raise UserError(
            f"merge={config.merge!r}: strategy={reference!r} is no weighted mean, so there is no "
            "sum of its updates; use merge=mean"
        )
    return strategy


def _federation_arguments(build: Callable[..., Any], fog_nodes: int) -> dict[str, Any]:
    """Return those of Flower's common arguments that ``build`` takes."""
    try:
        known = inspect.signature(build).parameters
    except ValueError:  # something built in: what it makes is checked anyway
        return {}
    takes_any = any(p.kind is p.VAR_KEYWORD for p in known.values())
    common = {
        "fraction_train": 1.0,
        "fraction_evaluate": 0.0,
        "min_train_nodes": fog_nodes,
        "min_evaluate_nodes": 0,
        "min_available_nodes": fog_nodes,
        "train_loss_key": "loss",  # QFedAvg's; our fog nodes report it so
    }
    return {name: value for name, value in common.items() if takes_any or name in known}


def _flower_names() -> list[str]:
    names = []
    for name in dir(flower_strategies):
        item = getattr(flower_strategies, name)
        is_strategy = inspect.isclass(item) and issubclass(item, Strategy)
        if is_strategy and not inspect.isabstract(item) and name[:4] not in ("Diff", "FedX"):
            names.append(name)
    return names


def _parse_arguments(text: str) -> dict[str, Any]:
    """Read ``a=1,b=0.5,c='text'``: Python keyword arguments with literal values."""
    try:
        call = ast.parse(f"f({text})", mode="eval").body
        if not isinstance(call, ast.Call) or call.args:
            raise SyntaxError
        pairs = [(keyword.arg, keyword.value) for keyword in call.keywords]
        return {str(name): ast.literal_eval(value) for name, value in pairs if name}
    except (SyntaxError, ValueError) as error:
        raise UserError(
            f"strategy-args={text!r}: write name=value, separated by commas, with plain values, "
            "e.g. num_malicious_nodes=1,server_learning_rate=0.5"
        ) from error
