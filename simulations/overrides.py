"""From what was typed, ``key=value`` and a preset, to a checked configuration."""

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fog_flower.architecture import Scalar, settings_of
from fog_flower.config import NONE, OFF, RunConfig
from fog_flower.data.sources import SOURCES
from fog_flower.errors import UserError
from fog_flower.records.run_folder import default_run_name
from fog_flower.suggestion import did_you_mean
from simulations.app_folder import default_run_config
from simulations.presets import PRESETS

RESULTS = Path("results", "runs")


def configure(preset: str, typed: Sequence[str]) -> RunConfig:
    """Merge defaults, preset and ``key=value`` arguments, in this order, and check the result.

    Relative paths become absolute here, because Flower runs the app elsewhere; results go to
    ``results/runs`` under the current folder unless told otherwise.

    Raises
    ------
    UserError
        If there is no such preset, an argument is not ``key=value``, or a value does not fit.
    """
    if preset not in PRESETS:
        near = did_you_mean(preset, PRESETS)
        raise UserError(f"preset={preset!r}: choose from {', '.join(PRESETS)}{near}")
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
    """Refuse what was typed and would change nothing: somebody believes in it.

    Presets and defaults may say such things, because they are changed by what is typed.
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
    """Return settings as ``key=value, key=value``, for people."""
    return ", ".join(f"{key}={value}" for key, value in settings.items())


def parse_settings(typed: Sequence[str]) -> dict[str, Scalar]:
    """Read ``key=value`` arguments; whether keys and values fit is checked with all the others."""
    defaults = default_run_config()
    return dict(_parse(argument, defaults) for argument in typed)


def configure_settings(settings: Mapping[str, Scalar]) -> RunConfig:
    """Put settings on top of the defaults, make paths absolute, name the run, and check it all."""
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
        value = text  # of a wrong type, which RunConfig says better
    return key, value


def _with_absolute_path(dataset: str) -> str:
    """Return ``npz:/path/of.npz`` for ``npz:of.npz``, and so for every source with a path."""
    source, colon, argument = dataset.partition(":")
    is_path = source == "npz" or Path(argument).expanduser().exists()
    if colon and argument and SOURCES.has(source) and is_path:
        return f"{source}:{_absolute(argument)}"
    return dataset


def _absolute(path: str) -> str:
    return str(Path(path).expanduser().absolute()) if path else ""
