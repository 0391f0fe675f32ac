"""Which code of the user's own a run was made with, by the content of its files."""

import hashlib
import importlib.util
from importlib.machinery import ModuleSpec
from pathlib import Path

from fog_flower.config import RunConfig

USER_CODE = "user_code"  # in run.json


def user_code(config: RunConfig) -> dict[str, str]:
    """Return the name and a digest of every file that holds the user's strategy or model.

    What those files import is not looked at.
    """
    found = {}
    for reference in (config.strategy, config.model):
        module, colon, _ = reference.partition(":")
        spec = _spec(module) if colon else None
        if spec is not None and spec.origin and Path(spec.origin).is_file():
            path = Path(spec.origin)
            found[path.name] = hashlib.sha256(path.read_bytes()).hexdigest()[:12]
    return found


def _spec(module: str) -> ModuleSpec | None:
    try:
        return importlib.util.find_spec(module)
    except (ImportError, ValueError, SyntaxError):
        return None  # said when the run is checked
