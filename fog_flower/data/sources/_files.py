"""Shared by sources that read files: digests, and a cache of decoded content."""

import functools
import hashlib
from collections.abc import Callable
from pathlib import Path

from fog_flower.data.cache import Cached, cache_dir, is_cached, read_cached, write_cached
from fog_flower.tasks.examples import Examples


def decoded(name: str, paths: tuple[Path, ...], decode: Callable[[], Examples]) -> Cached:
    """Return the decoded content of files, from the cache if it was decoded before."""
    digest = "-".join(file_md5(path)[:16] for path in paths)
    folder = cache_dir() / "examples" / f"{name}-{digest}"
    if not is_cached(folder):
        write_cached(folder, decode())
    return read_cached(folder)


def file_md5(path: Path) -> str:
    """Return the MD5 of a file's bytes."""
    return _md5(path, path.stat().st_mtime_ns, path.stat().st_size)


@functools.cache
def _md5(path: Path, _modified_ns: int, _size: int) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
