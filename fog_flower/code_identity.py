"""A fingerprint of the code a process really runs.

Ray may put another checkout ahead of the bundle in its actors, and clients then run other code
than the server without a word. Every client therefore echoes this fingerprint, and the server
compares it with its own before round 1.
"""

import functools
import hashlib
import importlib.util
from pathlib import Path

PACKAGES = ("clients", "fog_flower", "strategies")  # all that runs in a node or in the cloud


@functools.cache
def code_identity() -> str:
    """Return 12 hex digits over all code and constants of these packages, as found here."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        root = _folder(package)
        for path in sorted([*root.rglob("*.py"), *root.rglob("*.json")]):
            digest.update(f"{package}/{path.relative_to(root).as_posix()}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:  # a namespace package: some folder of that name
        raise ImportError(f"{package} is not fog-flower's package: it has no __init__.py")
    return Path(spec.origin).parent
