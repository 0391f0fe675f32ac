"""Files that are never half-written."""

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
    """Write UTF-8."""
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Write by temp file and rename: a reader sees the old content or the new one.

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
    """Write JSON that other languages read too: NaN and infinity become null."""
    write_text(path, json.dumps(_without_nan(content), indent=2, allow_nan=False) + "\n")


def write_csv(path: Path, columns: Sequence[str], rows: Iterable[Mapping[str, Any]]) -> None:
    """Write a table; floats in full precision, NaN and what a row lacks as ``nan``."""
    GrowingCsv(path, columns).extend(rows)


class GrowingCsv:
    """A table that grows while it is read: only its new rows are formatted, whatever is there.

    Parameters
    ----------
    path : Path
        Written by ``extend``, never half.
    columns : sequence of str
    """

    def __init__(self, path: Path, columns: Sequence[str]) -> None:
        self._path = path
        self._text = io.StringIO()
        self._writer = csv.DictWriter(self._text, columns, restval="nan", lineterminator="\n")
        self._writer.writeheader()

    def extend(self, rows: Iterable[Mapping[str, Any]]) -> None:
        """Add rows; floats in full precision, NaN and what a row lacks as ``nan``."""
        self._writer.writerows({key: _one_row(value) for key, value in row.items()} for row in rows)
        write_text(self._path, self._text.getvalue())


def _one_row(value: Any) -> Any:
    """Return a value that does not end its row: readers do at a carriage return, unquoted here."""
    return value.replace("\r", " ") if isinstance(value, str) else value


def _without_nan(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _without_nan(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
