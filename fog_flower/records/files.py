"""Writes files atomically."""

import contextlib
import csv
import io
import json
import math
import os
import uuid
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from fog_flower.errors import UserError


def write_text(path: Path, text: str) -> None:
    """Write text as UTF-8, as ``write_bytes`` does."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write by temp file and rename, so that readers see either the old or the new content.

    Raises
    ------
    UserError
        If it cannot be written: the disk is full, or the folder is gone.
    """
    staging = path.with_name(f".{path.name}.{uuid.uuid4().hex}.tmp")
    try:
        try:
            with staging.open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            staging.replace(path)
        finally:
            with contextlib.suppress(OSError):
                staging.unlink(missing_ok=True)
    except OSError as error:
        raise UserError(
            f"{path} cannot be written ({error.strerror}): make room there or bring the folder "
            "back; what was written before is kept"
        ) from error


def write_json(path: Path, content: Mapping[str, Any]) -> None:
    """Write standard JSON: NaN and infinity become null."""
    write_text(path, json.dumps(_without_nan(content), indent=2, allow_nan=False) + "\n")


class GrowingCsv:
    """A CSV file to which rows are added while others read it; only new rows are formatted.

    Parameters
    ----------
    path : Path
        Written atomically by ``extend``.
    columns : sequence of str
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._path = path
        self._text = io.StringIO()
        self._writer = csv.DictWriter(self._text, columns, restval="nan", lineterminator="\n")
        self._writer.writeheader()

    def extend(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows; floats in full precision, NaN and missing values as ``nan``."""
        self._writer.writerows({key: _one_row(value) for key, value in row.items()} for row in rows)
        write_text(self._path, self._text.getvalue())


def _one_row(value: Any) -> Any:
    """Replace carriage returns in text: they are not quoted here, and end a row for readers."""
    return value.replace("\r", " ") if isinstance(value, str) else value


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
