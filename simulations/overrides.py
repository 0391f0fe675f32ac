"""Turns a preset and typed ``key=value`` arguments into a checked configuration."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fog_flower.architecture import Scalar, settings_of
from fog_flower.config import NONE, OFF, RunConfig
from fog_flower.data.sources import SOURCES
from fog_flower.errors import UserError
from fog_flower.records.run_folder import default_run_name
from fog_flower.suggestion import check_known
from simulations.app_folder import default_run_config
from simulations.presets import PRESETS

RESULTS = Path("results", "runs")


def configure(preset: str, typed: Sequence[str]) -> RunConfig:
    """Merge defaults, preset and ``key=value`` arguments, in this order, and check the result.

    Relative paths become absolute, because Flower runs the app in another folder. The default
    folder for results is ``results/runs`` below the current folder.

    Raises
    ------
    UserError
        If the preset is unknown, an argument is not ``key=value``, or a value is invalid.
    """
    check_known(f"preset={preset!r}", preset, PRESETS)
    values = parse_settings(typed)
    config = configure_settings({**PRESETS[preset], **values})
    _refuse_idle(config, values)
    fixed = settings_of(config.architecture)
    for key in values:
        if key in fixed and values[key] != fixed[key]:
            raise UserError(
                f"{key}={values[key]!r}: architecture={config.architecture} always has "
                f"{key}={fixed[key]!r}; leave it out"
            )
    return config


def _refuse_idle(config: RunConfig, typed: Mapping[str, Scalar]) -> None:
    """Refuse a typed setting that would have no effect, because the user expects one.

    Presets and defaults may contain such settings, because typed settings override them.
    """
    noisy = any(name.partition("(")[0] == "noise" for name in config.protection)
    idle = {
        "gate-args": (config.gate == OFF, "gate=off judges nothing", "name a gate"),
        "noise-sigma": (not noisy, "no such noise is added", "use protection=noise"),
        "noise-unit": (not noisy, "no such noise is added", "use protection=noise"),
        "attack-strength": (config.attack == NONE, "nobody attacks", "name an attack"),
        "attack-rounds": (config.attack == NONE, "nobody attacks", "name an attack"),
    }
    for key, (is_idle, why, remedy) in idle.items():
        if is_idle and typed.get(key):
            raise UserError(f"{key}={typed[key]!r}: {why}; {remedy}, or leave {key} out")


def as_typed(settings: Mapping[str, Any]) -> str:
    """Format settings as ``key=value, key=value``, for messages."""
    return ", ".join(f"{key}={value}" for key, value in settings.items())


def parse_settings(typed: Sequence[str]) -> dict[str, Scalar]:
    """Parse ``key=value`` arguments; ``configure_settings`` checks keys and values."""
    defaults = default_run_config()
    return dict(_parse(argument, defaults) for argument in typed)


def configure_settings(settings: Mapping[str, Scalar]) -> RunConfig:
    """Merge settings into the defaults, make paths absolute, name the run, and check the result."""
    merged = {**default_run_config(), **settings}
    merged["results-dir"] = _absolute(str(merged["results-dir"] or RESULTS))
    merged["data-dir"] = _absolute(str(merged["data-dir"]))
    merged["continue-from"] = _absolute(str(merged["continue-from"]))
    merged["dataset"] = _with_absolute_path(str(merged["dataset"]))
    config = RunConfig.from_run_config(merged)
    if not config.run_name:
        config = RunConfig.from_run_config({**merged, "run-name": default_run_name(config)})
    return config


def _parse(argument: str, defaults: dict[str, Scalar]) -> tuple[str, Scalar]:
    key, separator, text = argument.partition("=")
    key = key.strip().lstrip("-")
    if not separator:
        raise UserError(f"{argument!r}: write it as key=value, e.g. fog-nodes=7")
    if isinstance(defaults.get(key, ""), str):  # no quotes needed around text
        return key, text.strip("\"'") if text[:1] in "\"'" else text
    try:
        value: Scalar = tomllib.loads(f"value = {text}")["value"]
    except tomllib.TOMLDecodeError:
        value = text  # RunConfig reports the wrong type more clearly
    return key, value


def _with_absolute_path(dataset: str) -> str:
    """Make the path of a data source absolute: ``npz:of.npz`` becomes ``npz:/path/of.npz``."""
    source, colon, argument = dataset.partition(":")
    is_path = source == "npz" or Path(argument).expanduser().exists()
    if colon and argument and SOURCES.has(source) and is_path:
        return f"{source}:{_absolute(argument)}"
    return dataset


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute()) if path else ""
