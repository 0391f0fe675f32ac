"""A fingerprint of the code a process really runs.

Ray may put another checkout ahead of the bundle in its actors, and clients then run other code
than the server without a word. Every client therefore echoes this fingerprint, and the server
compares it with its own before round 1.
"""

import functools
import hashlib
import importlib
from pathlib import Path

NOT_BUNDLED = "rendered"  # fog_flower/data/rendered; its images have a hash of their own
PACKAGES = ("clients", "fog_flower", "strategies")


@functools.cache
def code_identity() -> str:
    """Return 12 hex digits over the Python files of the bundled packages, as imported here."""
    digest = hashlib.sha256()
    for package in PACKAGES:
        file = importlib.import_module(package).__file__
        if file is None:  # a namespace package: some folder of that name, not ours
            raise ImportError(f"{package} is not fog-flower's package: it has no __init__.py")
        root = Path(file).parent
        for path in sorted(root.rglob("*.py")):
            if path.parent.name == NOT_BUNDLED:
                continue
            digest.update(f"{package}/{path.relative_to(root).as_posix()}\0".encode())
            digest.update(path.read_bytes())
    return digest.hexdigest()[:12]
