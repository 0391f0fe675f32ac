"""A fingerprint of the code that a process really runs.

In Ray's actors, another checkout may be found before the app's bundle. Clients would then silently
run other code than the server. So every client reports this fingerprint, and the server compares it
with its own before round 1.
"""

import functools
import hashlib
import importlib.util
from pathlib import Path

PACKAGES = ("clients", "fog_flower", "strategies")  # all code that runs on a node or in the cloud


@functools.cache
def code_identity(packages: tuple[str, ...] = PACKAGES) -> str:
    """Return 12 hex digits of a hash over the code and constants of packages, as found here."""
    digest = hashlib.sha256()
    for package in packages:
        root = _folder(package)
        for path in sorted([*root.rglob("*.py"), *root.rglob("*.json")]):
            digest.update(f"{package}/{path.relative_to(root).as_posix()}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _folder(package: str) -> Path:
    spec = importlib.util.find_spec(package)
    if spec is None or spec.origin is None:  # a namespace package: another folder of that name
        raise ImportError(f"{package} is not fog-flower's package: it has no __init__.py")
    return Path(spec.origin).parent
