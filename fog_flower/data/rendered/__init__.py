"""Street-number-like digits, rendered: the embedded data source ``rendered-digits``."""

import hashlib
import importlib.metadata
from pathlib import Path

from fog_flower.data.rendered.fonts import font_versions
from fog_flower.data.rendered.labels import SVHN_CLASS_COUNTS, labels_of
from fog_flower.data.rendered.render import render_digits, render_one

__all__ = ["RENDERER_VERSION", "SVHN_CLASS_COUNTS", "labels_of", "render_digits", "render_one"]


def _renderer_version() -> str:
    """Return a hash of what decides the images: this code, the fonts, the imaging libraries."""
    versions = font_versions()
    for name in ("numpy", "opencv-python-headless", "pillow"):
        versions[name] = importlib.metadata.version(name)
    digest = hashlib.sha256(repr(sorted(versions.items())).encode())
    for path in sorted(Path(__file__).parent.glob("*.py")):
        digest.update(path.read_bytes())
    return digest.hexdigest()[:8]


RENDERER_VERSION = _renderer_version()
