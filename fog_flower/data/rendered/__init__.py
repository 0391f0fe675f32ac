"""Street-number-like digits, rendered: the embedded data source ``rendered-digits``."""

import hashlib
import importlib.metadata

from fog_flower.data.rendered.fonts import font_versions
from fog_flower.data.rendered.labels import SVHN_CLASS_COUNTS, labels_of
from fog_flower.data.rendered.render import render_digits, render_one

__all__ = ["RENDERER_VERSION", "SVHN_CLASS_COUNTS", "labels_of", "render_digits", "render_one"]

_OUR_VERSION = "1"  # raise it when a change of ours changes images


def _renderer_version() -> str:
    """Return our version and a hash of the versions of what draws: fonts and imaging."""
    versions = font_versions()
    for name in ("numpy", "opencv-python-headless", "pillow"):
        versions[name] = importlib.metadata.version(name)
    text = ",".join(f"{name}={version}" for name, version in sorted(versions.items()))
    return f"{_OUR_VERSION}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


RENDERER_VERSION = _renderer_version()
