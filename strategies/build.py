"""From the configuration to the cloud's strategy: which one, and behind which gate."""

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import flwr.serverapp.strategy as flower_strategies
from flwr.serverapp.strategy import Strategy

from fog_flower.config import MEAN, OFF, RunConfig
from fog_flower.errors import UserError
from fog_flower.named import load_reference
from fog_flower.tasks.scores import Evaluator, ReferenceTrainer
from strategies.gate import Gate
from strategies.gates import GATES
from strategies.judge import Judge, OwnUpdates
from strategies.local_models import LocalModels
from strategies.rules import RULES
from strategies.validated_merge import ValidatedMerge

# merge=sum scales updates such that a weighted mean becomes a sum; these take none.
NO_WEIGHTED_MEAN = (
    flower_strategies.Bulyan,
    flower_strategies.FedMedian,
    flower_strategies.FedTrimmedAvg,
    flower_strategies.Krum,
    flower_strategies.QFedAvg,
)


def gated_strategy(
    config: RunConfig,
    strategy: Strategy,
    evaluator: Evaluator,
    fog_nodes: Mapping[int, int],
    reference: ReferenceTrainer,
    trainer: OwnUpdates | None = None,
) -> ValidatedMerge:
    """Put the configured gate around the configured strategy.

    Parameters
    ----------
    config : RunConfig
    strategy : Strategy
        From ``inner_strategy``.
    evaluator : Evaluator
        Of the validation examples.
    fog_nodes : mapping
        Node id to partition id.
    reference : ReferenceTrainer
        On the validation examples; also given to a strategy with an attribute
        ``reference_trainer`` (``FLTrust``).
    """
    if hasattr(strategy, "reference_trainer"):
        strategy.reference_trainer = reference
    judge = None
    if config.gate != OFF:
        judge = Judge(
            build_gate(config),
            evaluator,
            reference,
            merge=config.merge,
            seed=config.seed,
            trainer=trainer,
        )
    return ValidatedMerge(
        strategy,
        judge,
        local_models=LocalModels(
            evaluator, config.local_validation_examples, config.num_server_rounds, config.seed
        ),
        fog_nodes=fog_nodes,
        seed=config.seed,
        scale_to_sum=config.merge != MEAN,
        max_examples=config.train_examples or None,
    )


def build_gate(config: RunConfig) -> Gate:
    """Build the gate that ``gate`` names, with ``gate-args``.

    Raises
    ------
    UserError
        If there is no such gate, its arguments do not fit, it cannot judge, or it lacks
        ``cloud-examples``.
    """
    named = GATES.load(config.gate)
    gate = _made(named.item, config.gate_args, "gate", config.gate)
    if not callable(getattr(gate, "judge", None)):
        raise UserError(
            f"gate={config.gate!r}: made a {type(gate).__name__} without a method judge(trial)"
        )
    if getattr(gate, "needs_cloud_examples", False) and not config.cloud_examples:
        raise UserError(
            f"gate={config.gate!r}: the cloud needs examples to train on, but cloud-examples=0; "
            "use e.g. cloud-examples=3000"
        )
    made: Gate = gate
    return made


def inner_strategy(config: RunConfig) -> Strategy:
    """Build the strategy that ``strategy`` names.

    It is told the number of fog nodes, where its class takes it (as all of Flower's do), and not
    to evaluate on clients: the validation examples live in the cloud alone.

    Raises
    ------
    UserError
        If there is no such strategy, or its arguments do not fit.
    """
    reference = config.strategy
    build = _strategy_class(reference)
    arguments = {**_federation_arguments(build, config), **config.strategy_args}
    strategy = _made(build, arguments, "strategy", reference)
    if not isinstance(strategy, Strategy):
        raise UserError(
            f"strategy={reference!r}: made a {type(strategy).__name__}, which is no "
            "flwr.serverapp.strategy.Strategy; derive it from one, e.g. from FedAvg"
        )
    if config.merge != MEAN and _is_no_weighted_mean(strategy):
        raise UserError(
            f"merge={config.merge!r}: strategy={reference!r} is no weighted mean, so there is no "
            "sum of its updates; use merge=mean"
        )
    _check_enough_nodes(config, strategy)
    return strategy


def strategy_names() -> list[str]:
    """Return the names of all strategies: Flower's and ours."""
    names = []
    for name in dir(flower_strategies):
        item = getattr(flower_strategies, name)
        is_strategy = inspect.isclass(item) and issubclass(item, Strategy)
        if is_strategy and not inspect.isabstract(item) and name[:4] not in ("Diff", "FedX"):
            names.append(name)
    return [*names, *RULES.names()]


def _strategy_class(reference: str) -> Callable[..., Any]:
    if ":" in reference:
        own: Callable[..., Any] = load_reference(reference, "strategy")
        return own
    if RULES.has(reference):
        rule: Callable[..., Any] = RULES.load(reference).item
        return rule
    build = getattr(flower_strategies, reference, None)
    if build is None or not inspect.isclass(build):
        raise UserError(
            f"strategy={reference!r}: there are {', '.join(strategy_names())}; write your own as "
            "module:Class"
        )
    flower: Callable[..., Any] = build
    return flower


def _made(build: Callable[..., Any], arguments: Mapping[str, Any], key: str, name: str) -> Any:
    try:
        return build(**arguments)
    except (TypeError, ValueError) as error:
        given = ", ".join(f"{key}={value!r}" for key, value in arguments.items())
        raise UserError(f"{key}={name!r}, {key}-args: {error} (given: {given})") from error


def _is_no_weighted_mean(strategy: Strategy) -> bool:
    return not getattr(strategy, "weighted_mean", True) or isinstance(strategy, NO_WEIGHTED_MEAN)


def _check_enough_nodes(config: RunConfig, strategy: Strategy) -> None:
    """Refuse a rule on fewer nodes than its authors define it for."""
    least: dict[type, Callable[[int], int]] = {
        flower_strategies.Bulyan: lambda m: 4 * m + 3,  # Mhamdi et al. 2018
        flower_strategies.MultiKrum: lambda m: 2 * m + 3,  # Blanchard et al. 2017
        flower_strategies.Krum: lambda m: 2 * m + 3,
    }
    for kind, needed in least.items():
        malicious = getattr(strategy, "num_malicious_nodes", None)
        if isinstance(strategy, kind) and malicious is not None:
            if config.fog_nodes < needed(malicious):
                raise UserError(
                    f"strategy={config.strategy!r}: with num_malicious_nodes={malicious} it needs "
                    f"at least {needed(malicious)} fog nodes, not fog-nodes={config.fog_nodes}"
                )
            return


def _federation_arguments(build: Callable[..., Any], config: RunConfig) -> dict[str, Any]:
    """Return those of Flower's common arguments that the class itself takes, by its own name.

    A class that takes ``**kwargs`` hands them on to those it is derived from: what these take by
    name is taken.
    """
    known = _parameters(build)
    least = config.min_available_nodes or config.fog_nodes
    common = {
        "fraction_train": config.fraction_train,
        "fraction_evaluate": 0.0,
        "min_train_nodes": max(1, min(least, round(config.fraction_train * config.fog_nodes))),
        "min_evaluate_nodes": 0,
        "min_available_nodes": least,
        "train_loss_key": "loss",  # QFedAvg's; our fog nodes report it so
    }
    return {name: value for name, value in common.items() if name in known}


def _parameters(build: Callable[..., Any]) -> set[str]:
    """Return the names that reach a constructor: its own, and its bases' where it hands on."""
    classes = build.__mro__ if inspect.isclass(build) else (build,)
    names: set[str] = set()
    for one in classes:
        if inspect.isclass(one) and "__init__" not in vars(one):
            continue
        try:
            parameters = inspect.signature(one).parameters
        except ValueError:  # something built in: what it makes is checked anyway
            break
        names |= {p.name for p in parameters.values() if p.kind is not p.VAR_KEYWORD}
        if not any(p.kind is p.VAR_KEYWORD for p in parameters.values()):
            break
    return names
