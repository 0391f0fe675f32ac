"""A fingerprint of the code a process really runs.

Ray may put another checkout ahead of the bundle in its actors, and clients then run other code
than the server without a word. Every client therefore echoes this fingerprint, and the server
compares it with its own before round 1.
"""

import functools
import hashlib
import importlib.util
from pathlib import Path

NOT_BUNDLED = "rendered"  # fog_flower/data/rendered; its images have a hash of their own
PACKAGES = ("clients", "fog_flower", "strategies")
# See fog_flower/simulation_parts.py.
BESIDE = tuple(f"simulations.{part}" for part in ("attacks", "baselines", "models", "partitions"))


@functools.cache
def code_identity() -> str:
    """Return 12 hex digits over the Python files that may run, as they are found here."""
    digest = hashlib.sha256()
    for package in (*PACKAGES, *BESIDE):
        root = _folder(package)
        if root is None:
            continue
        for path in sorted(root.rglob("*.py")):
            if path.parent.name == NOT_BUNDLED:
                continue
            digest.update(f"{package}/{path.relative_to(root).as_posix()}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]


def _folder(package: str) -> Path | None:
    try:
        spec = importlib.util.find_spec(package)
    except ModuleNotFoundError:  # nor is its parent there
        spec = None
    if spec is None and package in BESIDE:
        return None
    if spec is None or spec.origin is None:  # a namespace package: some folder of that name
        raise ImportError(f"{package} is not fog-flower's package: it has no __init__.py")
    return Path(spec.origin).parent
