"""Arrays on disk outside the repository, memory-mapped, so that all processes share one copy."""

import json
import os
import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import platformdirs

from fog_flower.data.dataset import fingerprint
from fog_flower.data.whole_folder import whole_folder
from fog_flower.errors import UserError
from fog_flower.tasks.examples import Examples

CACHE_VARIABLE = "FOG_FLOWER_CACHE"
META = "meta.json"


def cache_dir() -> Path:
    """Return the cache folder: ``$FOG_FLOWER_CACHE``, or the user's cache folder of the system."""
    configured = os.environ.get(CACHE_VARIABLE)
    path = Path(configured).expanduser() if configured else None
    return path or Path(platformdirs.user_cache_dir("fog-flower"))


Cached = tuple[Examples, str]  # inputs are memory-mapped read-only; and their fingerprint


def cached_series(key: str, count: int, make: Callable[[], Examples]) -> Cached:
    """Return the first ``count`` examples of a series, from the cache if they are there.

    Parameters
    ----------
    key : str
        Contains everything that determines the series. The first n examples of a longer series must
        be the same, so that a larger set in the cache serves smaller requests.
    count : int
    make : callable
        Builds ``count`` examples if they are not in the cache.
    """
    folder = largest_enough(key, count)
    if folder is None:
        folder = cache_dir() / "examples" / f"{key}{count}"
        write_cached(folder, make())
    return read_cached(folder, count)


def largest_enough(pattern: str, count: int) -> Path | None:
    """Return the folder of the smallest cached set with ``count`` examples; of several, the newest.

    None if there is none. ``pattern`` may contain ``*``.
    """
    found = []
    for meta in (cache_dir() / "examples").glob(f"{pattern}*/{META}"):
        size = re.search(r"(\d+)$", meta.parent.name)
        if size and int(size[1]) >= count:
            found.append((int(size[1]), -meta.stat().st_mtime_ns, meta.parent))
    return min(found)[2] if found else None


def read_cached(folder: Path, count: int | None = None) -> Cached:
    """Return the first ``count`` examples of a cached set, or all.

    Raises
    ------
    UserError
        If the set is damaged.
    """
    try:
        meta = json.loads((folder / META).read_text())
        inputs = np.load(folder / "inputs.npy", mmap_mode="r", allow_pickle=False)
        targets = np.load(folder / "targets.npy", allow_pickle=False)
        part = Examples(inputs[:count], targets[:count])
    except (OSError, ValueError, EOFError) as error:
        raise UserError(f"{folder} is damaged ({error}): remove this folder") from error
    whole = len(part) == meta["examples"]
    return part, str(meta["sha256"]) if whole else fingerprint(part)


def is_cached(folder: Path) -> bool:
    """Return whether a complete set is in the folder."""
    return (folder / META).exists()


def write_cached(folder: Path, part: Examples) -> None:
    """Write a set to the cache atomically.

    Raises
    ------
    UserError
        If the cache cannot be written, e.g. because the disk is full.
    """
    remedy = f"make room, or set {CACHE_VARIABLE} to another folder"
    with whole_folder(folder, META, remedy) as staging:
        np.save(staging / "inputs.npy", part.inputs, allow_pickle=False)
        np.save(staging / "targets.npy", part.targets, allow_pickle=False)
        meta = {"examples": len(part), "sha256": fingerprint(part)}
        (staging / META).write_text(json.dumps(meta))
