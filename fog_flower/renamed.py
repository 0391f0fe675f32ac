"""Renamed keys: an error in a configuration, translated in an old record."""

from collections.abc import Mapping
from typing import Any

from fog_flower.architecture import settings_of

RENAMED: Mapping[str, str] = {
    "rounds": "num-server-rounds",
    "train-images": "train-examples",
    "validation-images": "validation-examples",
    "local-validation-images": "local-validation-examples",
    "test-images": "test-examples",
    "reference-images": "reference-examples",
    "validation": "gate",
}
# Former keys of the gate: the arguments of gate-args that replace them, and their former defaults.
GATE_ARGUMENTS: Mapping[str, tuple[str, float]] = {
    "validation-tolerance": ("tolerance", 0.05),
    "gate-images": ("examples", 500),
    "gate-error": ("error", 0.01),
}
# What every run did before the key existed.
BEFORE: Mapping[str, Any] = {
    "learning-rate-schedule": "constant",
    "continue-from": "",
    "dataset-args": "",
    "test-source": "test",
    "held-out-order": "seeded",
    "normalisation": "fitted",
    "protection": "noise",
    "fog-protection": "",
    "noise-source": "seeded",
    "own-evaluation": "none",
    "client-mods": "",
    "fraction-train": 1.0,
    "min-available-nodes": 0,
    "cloud-examples": 0,
    "refit-epochs": 0,
    "trackers": "",
    "trigger": "attack",
}


def new_name(key: str) -> str:
    """Return the current name of a key of an older version; empty if there was none."""
    if key in GATE_ARGUMENTS:
        return f"gate-args ({GATE_ARGUMENTS[key][0]}=...)"
    return RENAMED.get(key, "")


def in_new_names(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recorded configuration, or a part of one, under the current names."""
    renamed = {RENAMED.get(k, k): v for k, v in config.items() if k not in GATE_ARGUMENTS}
    changed = [
        f"{name}={config[key]!r}"
        for key, (name, default) in GATE_ARGUMENTS.items()
        if key in config and config[key] != default
    ]
    if changed:
        renamed["gate-args"] = ",".join(changed)
    return renamed


def completed(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a whole recorded configuration, with the keys that are newer than the record."""
    before = dict(BEFORE)
    if any(key in config for key in GATE_ARGUMENTS):
        before["gate-args"] = ""
    artifacts = str(config.get("artifacts", ""))
    if "tensorboard" in artifacts:  # now a tracker
        kept = [name for name in artifacts.split(",") if name.strip() != "tensorboard"]
        before |= {"trackers": "tensorboard"}
        config = {**config, "artifacts": ",".join(kept)}
    renamed = {**before, **in_new_names(config)}
    return renamed | dict(settings_of(str(renamed.get("architecture", ""))))
