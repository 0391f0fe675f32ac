"""Builds the configured strategy and the gate in front of it."""

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any

import flwr.serverapp.strategy as flower_strategies
from flwr.serverapp.strategy import Strategy

from fog_flower.causes import in_user_code
from fog_flower.config import MEAN, OFF, RunConfig
from fog_flower.errors import UserError
from fog_flower.named import load_reference, lying_here, refuse_together
from fog_flower.privacy.disclosure import DROPPED
from fog_flower.suggestion import did_you_mean, unknown_argument
from fog_flower.tasks.scores import Evaluator, ReferenceTrainer
from strategies.construct import arguments_of, construct
from strategies.enough_nodes import problem_with
from strategies.gate import Gate
from strategies.gates import GATES
from strategies.judge import Judge
from strategies.local_models import LocalModels
from strategies.masked_groups import MaskedGroups
from strategies.rules import RULES
from strategies.updates import OwnUpdates
from strategies.validated_merge import ValidatedMerge
from strategies.weighted_mean import is_weighted_mean

_WRAPS = (
    "wraps another strategy, which cannot be written in a configuration: use strategy="
    "module:function with a function of your own that returns it, wrapped"
)
_CLIPS = (
    "expects Flower's clipping mod on its clients, which takes weights, but fog nodes send dW; use "
    "DifferentialPrivacyServerSideFixedClipping, from a function of your own"
)
_TREES = "merges the trees of XGBoost, which are no weights; a model here is a Keras model"
NOT_BY_NAME: dict[type[Strategy], str] = {
    flower_strategies.DifferentialPrivacyServerSideAdaptiveClipping: _WRAPS,
    flower_strategies.DifferentialPrivacyServerSideFixedClipping: _WRAPS,
}
NOT_HERE: dict[type[Strategy], str] = {
    flower_strategies.DifferentialPrivacyClientSideAdaptiveClipping: _CLIPS,
    flower_strategies.DifferentialPrivacyClientSideFixedClipping: _CLIPS,
    flower_strategies.FedXgbBagging: _TREES,
    flower_strategies.FedXgbCyclic: _TREES,
}


def gated_strategy(
    config: RunConfig,
    strategy: Strategy,
    evaluator: Evaluator,
    fog_nodes: Mapping[int, int],
    reference: ReferenceTrainer,
    trainer: OwnUpdates | None = None,
    *,
    examples: int | None = None,
) -> ValidatedMerge:
    """Wrap the strategy in ``ValidatedMerge`` with the configured gate.

    Parameters
    ----------
    config : RunConfig
    strategy : Strategy
        From ``inner_strategy``.
    evaluator : Evaluator
        Evaluates on the validation examples.
    fog_nodes : mapping
        Node id to partition id.
    reference : ReferenceTrainer
        Trains on validation examples. It is also given to a strategy with an attribute
        ``reference_trainer`` (``FLTrust``).
    trainer : OwnUpdates, optional
        Trains the cloud's own update (``cloud-examples``). It is also given to a strategy with an
        attribute ``cloud_trainer``.
    examples : int, optional
        Training examples of all fog nodes together. A node that claims more is refused.
    """
    if hasattr(strategy, "reference_trainer"):
        strategy.reference_trainer = reference
    if hasattr(strategy, "cloud_trainer"):
        strategy.cloud_trainer = trainer
    gated = config.gate != OFF
    judge = build_judge(config, evaluator, reference, trainer) if gated else None
    masks = None
    if config.mask_groups:
        masks = MaskedGroups(
            config.mask_groups,
            config.fog_nodes,
            fog_nodes,
            seed=config.seed,
            timeout=config.round_timeout,
            max_examples=examples,
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
        max_examples=examples,
        client_mods=bool(config.client_mods),
        masks=masks,
    )


def build_judge(
    config: RunConfig,
    evaluator: Evaluator,
    reference: ReferenceTrainer,
    trainer: OwnUpdates | None = None,
) -> Judge:
    """Build the judge of the configured gate; see ``gated_strategy`` for the other arguments."""
    return Judge(
        build_gate(config),
        evaluator,
        reference,
        merge=config.merge,
        seed=config.seed,
        trainer=trainer,
        learning_rate=config.learning_rate_in,
        batch_size=config.batch_size,
    )


def build_gate(config: RunConfig) -> Gate:
    """Build the gate that ``gate`` names, with ``gate-args``.

    Raises
    ------
    UserError
        If the gate is unknown, its arguments do not fit, it has no method ``judge``, or it needs
        ``cloud-examples`` and there are none.
    """
    named = GATES.load(config.gate)
    gate = _made(named.item, {}, config.gate_args, "gate", config.gate)
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
    """Build the strategy that ``strategy`` names, with ``strategy-args``.

    If its class takes them, as all of Flower's do, it also gets the number of fog nodes and the
    setting not to evaluate on clients: only the cloud has the validation examples.

    Raises
    ------
    UserError
        If the strategy is unknown, its arguments do not fit, or it cannot work with the rest of
        the configuration.
    """
    reference = config.strategy
    build = _strategy_class(reference)
    refuse_together(f"strategy={reference!r}", build, config.strategy_args)
    strategy = _made(build, _ours(config), config.strategy_args, "strategy", reference)
    if not isinstance(strategy, Strategy):
        raise UserError(
            f"strategy={reference!r}: made a {type(strategy).__name__}, which is no "
            "flwr.serverapp.strategy.Strategy; derive it from one, e.g. from FedAvg"
        )
    if problem := _unfit(config, strategy):
        raise UserError(f"strategy={reference!r}: {problem}")
    return strategy


def strategy_names() -> list[str]:
    """Return the names of all strategies: Flower's and ours."""
    items = {name: getattr(flower_strategies, name) for name in dir(flower_strategies)}
    left_out = (*NOT_BY_NAME, *NOT_HERE)
    flowers = [
        name
        for name, item in items.items()
        if inspect.isclass(item) and issubclass(item, Strategy) and not inspect.isabstract(item)
        if item not in left_out
    ]
    return [*flowers, *RULES.names()]


def _strategy_class(reference: str) -> Callable[..., Any]:
    if ":" in reference:
        own: Callable[..., Any] = load_reference(reference, "strategy")
        return own
    if RULES.has(reference):
        rule: Callable[..., Any] = RULES.load(reference).item
        return rule
    named = getattr(flower_strategies, reference, None)
    for reasons in (NOT_BY_NAME, NOT_HERE):
        if named in reasons:
            raise UserError(f"strategy={reference!r}: {reasons[named]}")
    if reference not in strategy_names():
        is_gate = reference == OFF or GATES.has(reference)
        near = did_you_mean(reference, strategy_names())
        hint = f"; {reference} is a gate: gate={reference}" if is_gate else near
        hint = lying_here(reference, "strategy=", "module:Class") or hint
        raise UserError(
            f"strategy={reference!r}: choose from {', '.join(strategy_names())}; write your own as "
            f"module:Class{hint}"
        )
    flower: Callable[..., Any] = getattr(flower_strategies, reference)
    return flower


def _made(
    build: Any, ours: Mapping[str, Any], given: Mapping[str, Any], key: str, name: str
) -> Any:
    if not callable(build):
        raise UserError(f"{key}={name!r}: is a {type(build).__name__}; name a class or a function")
    told = ", ".join(f"{key}={value!r}" for key, value in given.items()) or "none"
    what = f"{key}={name!r}, {key}-args ({told})"
    with in_user_code(what):
        try:
            return construct(build, ours, given)
        except TypeError as error:
            if problem := _not_taken(build, given, str(error)):
                raise UserError(f"{what}: {problem}") from error
            if not (missing := re.search(r"missing \d+ required .*argument", str(error))):
                raise
            names = re.findall(r"'(\w+)'", str(error)[missing.end() :])
            remedy = ",".join(f"{one}=..." for one in names)
            raise UserError(f'{what}: {error}; write {key}-args="{remedy}"') from error


def _not_taken(build: Any, given: Mapping[str, Any], error: str) -> str:
    """Return which of the user's arguments a TypeError is about, with those that there are."""
    told = re.search(r"unexpected keyword argument '(\w+)'|takes no arguments", error)
    known = arguments_of(build)
    for name in given:
        if told and name not in known and told[1] in (name, None):
            return unknown_argument(name, known)
    return ""


def _ours(config: RunConfig) -> dict[str, Any]:
    """Return the arguments about the federation that a strategy is offered, in Flower's names."""
    least = config.min_available_nodes or config.fog_nodes
    return {
        "fraction_train": config.fraction_train,
        "fraction_evaluate": 0.0,
        "min_train_nodes": max(1, min(least, round(config.fraction_train * config.fog_nodes))),
        "min_evaluate_nodes": 0,
        "min_available_nodes": least,
        "train_loss_key": "loss",  # for QFedAvg: the name under which our fog nodes report it
        "num_server_rounds": config.num_server_rounds,
        "num_fog_nodes": config.fog_nodes,
        "noise_source": config.noise_source,
    }


def _unfit(config: RunConfig, strategy: Strategy) -> str:
    """Return why a strategy cannot be used in this run; empty if it can."""
    for kind, reason in NOT_HERE.items():
        if isinstance(strategy, kind):
            return reason
    if type(strategy).start is not Strategy.start:
        return (
            "overrides start, which is not called here: the rounds are the wrapper's; put what it "
            "does into configure_train or aggregate_train"
        )
    if problem := _unfit_beside(config, strategy) or _waits_for_too_many(config, strategy):
        return problem
    if config.mask_groups:
        return _unfit_for_groups(config, strategy)
    return problem_with(strategy, _updates_in_a_round(config, strategy))


def _unfit_beside(config: RunConfig, strategy: Strategy) -> str:
    """Return why a strategy does not fit the configured nodes, metrics, merge or gate."""
    asked = {"fraction_train": config.fraction_train, "min_available_nodes": config.fog_nodes}
    if config.min_available_nodes:
        asked["min_available_nodes"] = config.min_available_nodes
    usual = {"fraction_train": 1.0, "min_available_nodes": config.fog_nodes}
    for name, value in asked.items():
        reaches = getattr(strategy, name, None) == value or name in config.strategy_args
        if value != usual[name] and not reaches:
            key = name.replace("_", "-")
            return (
                f"{key}={value:g} does not reach it: let its __init__ take **kwargs and pass them "
                f"on to Flower's, or leave {key} out"
            )
    if config.training_metrics.how == DROPPED and isinstance(strategy, flower_strategies.QFedAvg):
        return (
            "it weighs fog nodes by their losses, but with training-metrics=dropped they send "
            "none; use training-metrics=laplace(epsilon=1)"
        )
    if config.merge != MEAN and not is_weighted_mean(strategy):
        return f"merge={config.merge!r}: it is no weighted mean, so there is no sum; use merge=mean"
    if config.gate != OFF and getattr(strategy, "broken_by_a_gate", False):
        return (
            f"gate={config.gate!r} chooses among updates before they are hidden, so that one of "
            "them decides about others, and nothing would be promised; use gate=off, or "
            'strategy-args="gated=True" to measure just that'
        )
    return ""


def _unfit_for_groups(config: RunConfig, strategy: Strategy) -> str:
    """Return why a strategy cannot aggregate the means of masked groups; empty if it can."""
    told = f"mask-groups={config.mask_groups}"
    if isinstance(strategy, flower_strategies.QFedAvg):
        return (
            f"it weighs fog nodes by their losses, but with {told} they send none; use another "
            "strategy, or mask-groups=0"
        )
    if getattr(strategy, "bounds_single_updates", False):
        return (
            f"it bounds what a fog node's dW adds, but with {told} it sees means of groups, in "
            "which one node counts twice as much; use mask-groups=0"
        )
    groups = config.fog_nodes // config.mask_groups
    problem = problem_with(strategy, groups)
    return problem and f"{problem}; {told} makes {groups} of fog-nodes={config.fog_nodes}"


def _waits_for_too_many(config: RunConfig, strategy: Strategy) -> str:
    """Return why a strategy would wait for nodes for ever, as Flower's do; empty if it won't."""
    for name in ("min_available_nodes", "min_train_nodes"):
        wanted = getattr(strategy, name, 0)
        if isinstance(wanted, int) and wanted > config.fog_nodes:
            return (
                f"its {name} is {wanted}, but fog-nodes={config.fog_nodes}, so it would wait for "
                f"ever; take {name} as an argument and hand it on to Flower's constructor, or set "
                "it lower"
            )
    return ""


def _updates_in_a_round(config: RunConfig, strategy: Strategy) -> int:
    """Return how many fog nodes a strategy samples in a round; all if its attributes do not say."""
    fraction, least = (getattr(strategy, n, 0) for n in ("fraction_train", "min_train_nodes"))
    if not isinstance(fraction, int | float) or not isinstance(least, int):
        return config.fog_nodes
    return max(int(fraction * config.fog_nodes), least) or config.fog_nodes
