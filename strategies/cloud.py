"""From the configuration to the cloud's strategy: which one, and behind which gate."""

import ast
import inspect
from collections.abc import Callable, Mapping
from typing import Any

import flwr.serverapp.strategy as flower_strategies
from flwr.serverapp.strategy import Strategy

from fog_flower.config import MEAN, OFF, TRUSTED, RunConfig
from fog_flower.errors import UserError
from fog_flower.evaluation import Evaluator, ReferenceTrainer
from fog_flower.references import load_reference
from fog_flower.simulation_parts import simulation_part
from strategies.policies import Policy, SequentialTest, Trusted
from strategies.updates_to_weights import UpdatesToWeights
from strategies.validated_merge import ValidatedMerge

# merge=sum scales updates such that a weighted mean becomes a sum; these take none.
NO_WEIGHTED_MEAN = (
    flower_strategies.Bulyan,
    flower_strategies.FedMedian,
    flower_strategies.FedTrimmedAvg,
    flower_strategies.Krum,
    flower_strategies.QFedAvg,
)
TO_COMPARE = ("FLTrust",)  # in simulations/baselines


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
        On the validation images; also given to a strategy with an attribute
        ``reference_trainer`` (``FLTrust``).
    """
    common: dict[str, Any] = {
        "fog_nodes": fog_nodes,
        "max_examples": config.train_images or None,
        "local_images": config.local_validation_images,
        "last_round": config.rounds,
        "seed": config.seed,
    }
    if hasattr(strategy, "reference_trainer"):
        strategy.reference_trainer = reference
    if config.validation == OFF:
        return UpdatesToWeights(strategy, evaluator, scale_to_sum=config.merge != MEAN, **common)
    return ValidatedMerge(
        strategy,
        evaluator,
        policy_of(config),
        reference=reference,
        merge=config.merge,
        **common,
    )


def policy_of(config: RunConfig) -> Policy:
    """Build the policy that ``validation`` names; those to compare with only where installed."""
    if config.validation == TRUSTED:
        return trusted_gate(config)
    baselines = simulation_part("baselines", f"validation={config.validation!r}")
    policy: Policy = baselines.POLICIES[config.validation](config)
    return policy


def trusted_gate(config: RunConfig) -> Trusted:
    """Build the default gate with the configured tolerance and test."""
    test = SequentialTest(config.gate_images, config.gate_error)
    return Trusted(config.validation_tolerance, test)


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
    elif reference in TO_COMPARE:
        build = simulation_part("baselines", f"strategy={reference!r}").STRATEGIES[reference]
    else:
        build = getattr(flower_strategies, reference, None)
        if build is None or not inspect.isclass(build):
            raise UserError(
                f"strategy={reference!r}: Flower has {', '.join(_flower_names())}, we have "
                f"{', '.join(TO_COMPARE)}; write your own as module:Class"
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
    if config.merge != MEAN and _is_no_weighted_mean(strategy):
        raise UserError(
            f"merge={config.merge!r}: strategy={reference!r} is no weighted mean, so there is no "
            "sum of its updates; use merge=mean"
        )
    return strategy


def _is_no_weighted_mean(strategy: Strategy) -> bool:
    return not getattr(strategy, "weighted_mean", True) or isinstance(strategy, NO_WEIGHTED_MEAN)


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
