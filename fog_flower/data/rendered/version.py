"""Which version of the drawing code there is: the cache keeps each version's images apart."""

import functools
import hashlib
import importlib.metadata
import os
from pathlib import Path

from fog_flower.variables import RENDERER_VARIABLE

_LIBRARIES = ("numpy", "opencv-python-headless", "pillow")


def renderer_version() -> str:
    """Return a hash of what decides the images: this code, the fonts, the imaging libraries.

    What the launcher says it drew with comes first; where nothing can be drawn it is ``*``: any.
    """
    return os.environ.get(RENDERER_VARIABLE) or _version_here()


@functools.cache
def _version_here() -> str:
    try:
        from fog_flower.data.rendered.fonts import font_versions  # noqa: PLC0415

        versions = font_versions() | {name: importlib.metadata.version(name) for name in _LIBRARIES}
    except (ImportError, RuntimeError):  # a library, or a package with fonts
        return "*"
    digest = hashlib.sha256(repr(sorted(versions.items())).encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]
