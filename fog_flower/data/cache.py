"""Arrays on disk outside the repository, memory-mapped, so that all processes share one copy."""

import json
import os
import shutil
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import platformdirs

from fog_flower.data.images import LabelledImages, fingerprint

CACHE_VARIABLE = "FOG_FLOWER_CACHE"


def cache_dir() -> Path:
    """Return the cache folder: ``$FOG_FLOWER_CACHE``, or the user's cache folder of the system."""
    configured = os.environ.get(CACHE_VARIABLE)
    path = Path(configured).expanduser() if configured else None
    return path or Path(platformdirs.user_cache_dir("fog-flower"))


def cached_images(key: str, make: Callable[[], LabelledImages]) -> tuple[LabelledImages, str]:
    """Return the images that ``make`` builds, from the cache if they are there.

    Parameters
    ----------
    key : str
        Names everything that decides the images; it is the folder's name.
    make : callable
        Builds them, if they are not there.

    Returns
    -------
    (images, sha256) : the images memory-mapped read-only, and their fingerprint.
    """
    folder = cache_dir() / "images" / key
    if not (folder / "meta.json").exists():
        _write(folder, make())
    meta = json.loads((folder / "meta.json").read_text())
    images = np.load(folder / "images.npy", mmap_mode="r", allow_pickle=False)
    labels = np.load(folder / "labels.npy", allow_pickle=False)
    return LabelledImages(images, labels), str(meta["sha256"])


def _write(folder: Path, part: LabelledImages) -> None:
    # Several processes may build the same images; the first rename wins, the others are equal.
    staging = folder.with_name(f"{folder.name}.{uuid.uuid4().hex}.tmp")
    staging.mkdir(parents=True)
    try:
        np.save(staging / "images.npy", part.images, allow_pickle=False)
        np.save(staging / "labels.npy", part.labels, allow_pickle=False)
        meta = {"images": len(part), "sha256": fingerprint(part)}
        (staging / "meta.json").write_text(json.dumps(meta))
        try:
            staging.rename(folder)
        except OSError:
            if not (folder / "meta.json").exists():
                raise
    finally:
        shutil.rmtree(staging, ignore_errors=True)
