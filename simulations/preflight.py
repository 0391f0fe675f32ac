"""Checks of a configuration that are possible before any process is started."""

import functools
import inspect
import logging
import sys
from pathlib import Path
from typing import Any

from clients.attacks import ATTACKS
from clients.end_node import largest_level, shared_examples
from clients.privacy._fog_context import FogContext
from clients.privacy.check_examples import check_examples
from clients.privacy.fog_protection import (
    fog_protections,
    private_training,
    protected,
    told_of_private,
)
from clients.rehearsal import rehearse_shipment
from clients.user_mods import load_mod
from fog_flower.causes import in_user_code
from fog_flower.config import NONE, OF_ATTACK, OFF, RunConfig
from fog_flower.data.dataset import Dataset, Progress
from fog_flower.data.features import FEATURES
from fog_flower.data.load import load_dataset
from fog_flower.data.partitions import PARTITIONS
from fog_flower.data.scale import told_scale
from fog_flower.data.shards import assign_shards
from fog_flower.data.sources import SOURCES, unknown_dataset
from fog_flower.data.split import split_dataset
from fog_flower.data.trigger import TRIGGERS, check_images
from fog_flower.errors import UserError
from fog_flower.masked import check_weights
from fog_flower.models import MODELS
from fog_flower.named import Catalogue, load_reference
from fog_flower.records.run_folder import run_folder
from fog_flower.records.tracking import build_trackers
from fog_flower.tasks.examples import Indices, Spec
from fog_flower.topology import Topology
from fog_flower.user_code import own_modules
from fog_flower.weights import Weights
from simulations.quiet import (
    load_tensorflow_quietly,
    only_errors_of_flower,
    without_native_chatter,
)
from strategies.gates import GATES

TAKEN_BY_ALL = Spec((32, 32, 3), "float32")  # inputs that each built-in model takes


def check_quickly(config: RunConfig) -> None:
    """Run the fast checks: the run's folder, and the code that the configuration names.

    Raises
    ------
    UserError
        The error that the run itself would raise.
    """
    run_folder(config)
    check_plug_ins(config)


def check(
    config: RunConfig, progress: Progress | None = None, *, spare_tensorflow: bool = False
) -> Dataset:
    """Run all checks: ``check_quickly``, then ``check_data``."""
    check_quickly(config)
    return check_data(config, progress, spare_tensorflow=spare_tensorflow)


def check_data(
    config: RunConfig, progress: Progress | None = None, *, spare_tensorflow: bool = False
) -> Dataset:
    """Check data, shards, model and a shipment, and leave the data in the cache.

    Parameters
    ----------
    config : RunConfig
    progress : callable, optional
        Called with (done, total) while examples are generated.
    spare_tensorflow : bool
        Do not build a built-in model for images 32 x 32 x 3, which all of them take, unless another
        check needs it, because TensorFlow takes seconds to load.

    Raises
    ------
    UserError
        The error that the run itself would raise.
    """
    if config.features != NONE:  # first the data, whose rendering reports progress
        load_dataset(config.changed({"features": NONE}), progress)
        load_tensorflow_quietly()  # a feature map needs it
    dataset = load_dataset(config, progress)
    _check_stopped(config, dataset)
    split = split_dataset(dataset, config)
    shards = assign_shards(
        dataset.task,
        dataset.train.targets[split.train],
        Topology(config.fog_nodes, config.end_nodes),
        config.partition,
        config.seed,
    )
    counts = [sum(shared_examples(config, len(shard)) for shard in fog) for fog in shards]
    for count in {min(counts), max(counts)}:  # few need more noise, many a smaller delta
        check_examples(config, count)
    if config.attack in TRIGGERS:
        check_images(dataset, config.attack)
    if config.trigger != OF_ATTACK:
        check_images(dataset, config.trigger, key="trigger")
    _warn_of_scale(config, dataset, split.train)
    rehearse_shipment(config, dataset)
    if config.features != NONE and not FEATURES.has(config.features):
        _check_own_features(config)
    private = private_training(config.fog_protection) is not None
    fits = MODELS.has(config.model) and dataset.spec == TAKEN_BY_ALL
    own = _own_attack(config) or _own_gate(config) or _own_round(config)
    if config.fog_protection or own or not (spare_tensorflow and fits):
        weights = _check_model(config, dataset, private=private)
        protected(weights, FogContext(config, 0, 1, len(split.train)))  # in place of dW
        _rehearse(config, dataset, weights)
    return dataset


def check_plug_ins(config: RunConfig) -> None:
    """Check that all code that the configuration names exists, and can be built without data.

    Raises
    ------
    UserError
        If something is missing or cannot be built.
    """
    # The user's modules may load TensorFlow.
    with without_native_chatter():
        _check_names(config)
        _check_attack(config)
        largest_level(config)  # builds all protections
        fog_protections(config)
        for name in config.client_mods:
            load_mod(name)
        build_trackers(config.trackers)
        # Flower takes a second to import.
        from strategies.build import build_gate, inner_strategy  # noqa: PLC0415

        # Only a trial: the run itself logs Flower's messages about the strategy.
        with only_errors_of_flower():
            strategy = inner_strategy(config)
            what = f"strategy={config.strategy!r}"
            with in_user_code(what):
                try:
                    strategy.summary()  # Flower's first call; it reads attributes of the base class
                except AttributeError as error:
                    raise UserError(
                        f"{what}: {error}; let its __init__ call super().__init__(**kwargs)"
                    ) from error
            if config.gate != OFF:
                build_gate(config)


def user_folders(config: RunConfig) -> list[str]:
    """Return the folders of the user's own modules, for the processes of the run."""
    folders = []
    for name, spec in own_modules(config).items():
        parent = Path(str(spec.origin)).parent
        depth = name.count(".") + bool(spec.submodule_search_locations)
        folders.append(str([parent, *parent.parents][depth]))
    # Installed packages are found anyway, and our own checkout must not precede the bundle.
    root = str(Path(__file__).resolve().parent.parent)
    return [
        folder for folder in dict.fromkeys(folders) if "-packages" not in folder and folder != root
    ]


def import_from_here() -> None:
    """Let ``module:name`` find modules in the current folder."""
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)  # last: a user's folder `strategies` must not hide ours


def _own_attack(config: RunConfig) -> bool:
    return config.attack != NONE and not ATTACKS.has(config.attack)


def _own_gate(config: RunConfig) -> bool:
    return config.gate != OFF and not GATES.has(config.gate)


def _own_round(config: RunConfig) -> bool:
    return ":" in config.strategy or bool(config.client_mods)


def _rehearse(config: RunConfig, dataset: Dataset, weights: Weights) -> None:
    """Try the user's own gate, attack, strategy and client mods. The imports load Flower."""
    if _own_gate(config):
        from simulations.contract.rehearsed_gate import rehearse_gate  # noqa: PLC0415

        with only_errors_of_flower():
            rehearse_gate(config, dataset, weights)
    if _own_attack(config):
        from simulations.contract.rehearsed_attacker import rehearse_attack  # noqa: PLC0415

        rehearse_attack(config, dataset, weights)
    if _own_round(config):
        from simulations.contract.rehearsed_round import rehearse_round  # noqa: PLC0415

        with only_errors_of_flower():
            rehearse_round(config, dataset, weights)


def _check_own_features(config: RunConfig) -> None:
    """Refuse a feature map that breaks its contract, e.g. by mixing examples."""
    from simulations.contract.finding import BrokenContractError  # noqa: PLC0415
    from simulations.contract.of_features import checks  # noqa: PLC0415

    for check_one in checks(config).values():
        try:
            check_one()
        except BrokenContractError as error:
            raise UserError(f"features={config.features!r}: {error}") from error


def _check_stopped(config: RunConfig, dataset: Dataset) -> None:
    if not config.continue_from:
        return
    with without_native_chatter():
        from strategies.continuing.stopped_run import (  # noqa: PLC0415  (TensorFlow)
            read_stopped,
        )

        read_stopped(config, dataset.sha256)


def _check_names(config: RunConfig) -> None:
    """Check that model, data set, partition and features exist, without slow imports of ours."""
    named: tuple[tuple[Catalogue, str], ...] = (
        (MODELS, config.model),
        (SOURCES, config.dataset),
        (PARTITIONS, config.partition),
    )
    for catalogue, text in named:
        if catalogue.has(text):
            continue
        if ":" not in text:
            raise unknown_dataset(text) if catalogue is SOURCES else catalogue.unknown(text)
        load_reference(text, catalogue.key)
    if config.features != NONE:
        FEATURES.load(config.features)


def _check_attack(config: RunConfig) -> None:
    """Refuse an unknown attack, an attack without attackers, and attackers without an attack."""
    told = str(config.to_run_config()["malicious-nodes"])
    if config.attack == NONE:
        if told.strip() not in ("", "0"):
            raise UserError(
                f"malicious-nodes={told!r}, but attack='none': say what they do, e.g. "
                "attack=sign-flip"
            )
        return
    _check_strength(config, ATTACKS.load(config.attack).item)
    if not config.malicious_nodes:
        raise UserError(
            f"attack={config.attack!r}, but malicious-nodes={told!r}: say how many, e.g. "
            "malicious-nodes=1"
        )
    if not config.attack_probability:
        raise UserError(
            f"attack={config.attack!r}, but attack-probability=0: nobody would attack; write more "
            "than 0, or attack=none"
        )


def _check_strength(config: RunConfig, attack: Any) -> None:
    """Refuse a strength that the attack does not accept: the call would fail in every round."""
    if not callable(attack):
        raise UserError(
            f"attack={config.attack!r}: is a {type(attack).__name__}; name a function (attacker, "
            "strength)"
        )
    given = {"strength": config.attack_strength} if config.attack_strength else {}
    try:
        inspect.signature(attack).bind(None, **given)
    except (TypeError, ValueError) as error:
        told = f", attack-strength={config.attack_strength}" if given else ""
        raise UserError(
            f"attack={config.attack!r}{told}: {error}; an attack is called with the attacker, and "
            "with strength where attack-strength is not 0"
        ) from error


def _check_model(config: RunConfig, dataset: Dataset, *, private: bool) -> Weights:
    with without_native_chatter():
        from fog_flower.build_model import build_untrained  # noqa: PLC0415  (TensorFlow: seconds)

        model = build_untrained(config.model, dataset.spec, dataset.task, config.seed)
        if private:
            from clients.privacy.fog_node._clipping import layers_without_formula  # noqa: PLC0415
            from clients.privacy.fog_node._private_epoch import check_private  # noqa: PLC0415

            what = told_of_private(config.fog_protection, config.model)
            check_private(what, model, dataset.spec)
            _warn_of_slow_layers(config, layers_without_formula(model))
        weights: Weights = model.get_weights()
        if config.mask_groups:
            check_weights(weights, config.mask_groups)
        return weights


def _warn_of_slow_layers(config: RunConfig, layers: list[Any]) -> None:
    """Say before a run that its private training will be slow, and why."""
    if not layers:
        return
    from flwr.common import log  # noqa: PLC0415  (Flower)

    named = ", ".join(f"{layer.name} ({type(layer).__name__})" for layer in layers)
    log(
        logging.WARNING,
        "fog-protection=%s with model=%s: each example takes a backward pass of its own, so "
        "training takes many times as long, because of %s; Dense on vectors and plain Conv2D, each "
        "used once, take one pass for the whole batch",
        ",".join(config.fog_protection),
        config.model,
        named,
    )


def _warn_of_scale(config: RunConfig, dataset: Dataset, train: Indices) -> None:
    """Say before a run that its inputs are too large or too small to learn from."""
    if told := told_scale(config, dataset, train):
        _warn_once(told)


@functools.cache  # a sweep checks many runs on the same data
def _warn_once(told: str) -> None:
    from flwr.common import log  # noqa: PLC0415  (Flower)

    log(logging.WARNING, "%s", told)
