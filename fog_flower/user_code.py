"""Finds the user's own code that a run uses, and hashes it for the record."""

import hashlib
import importlib.util
import re
from collections.abc import Mapping
from importlib.machinery import ModuleSpec
from pathlib import Path

from fog_flower.config import PLUG_INS, RunConfig
from fog_flower.named import split_names

USER_CODE = "user_code"  # in run.json
_REFERENCE = re.compile(r"([A-Za-z_][\w.]*):[A-Za-z_]\w*")


def own_modules(config: RunConfig) -> dict[str, ModuleSpec]:
    """Return the existing modules that the configuration names as ``module:Name``."""
    found: dict[str, ModuleSpec] = {}
    values = config.to_run_config()
    for key in PLUG_INS:
        for text in split_names(str(values[key])):
            match = _REFERENCE.fullmatch(text.partition("(")[0])
            spec = _spec(match[1]) if match else None
            if match and spec is not None and spec.origin and Path(spec.origin).is_file():
                found[match[1]] = spec
    return found


def user_code(config: RunConfig) -> dict[str, str]:
    """Return a digest of each file of the user's own code, by its relative path.

    Modules that these files import are not included.
    """
    return {
        _path_of(name, spec): hashlib.sha256(Path(str(spec.origin)).read_bytes()).hexdigest()[:12]
        for name, spec in own_modules(config).items()
    }


def changed_file(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    """Return a file that is in both with different digests; empty if there is none."""
    return next((file for file, digest in now.items() if before.get(file, digest) != digest), "")


def _path_of(module: str, spec: ModuleSpec) -> str:
    """Return e.g. ``mine.py``, ``package/mine.py`` or ``package/__init__.py``."""
    parents = module.split(".") if spec.submodule_search_locations else module.split(".")[:-1]
    return "/".join((*parents, Path(str(spec.origin)).name))


def _spec(module: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(module)
    except (ImportError, ValueError, SyntaxError):
        return None  # reported when the run is checked
