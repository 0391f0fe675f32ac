"""Loads a data set of the Hugging Face hub, or a folder of files in one of its formats."""

import contextlib
import hashlib
import io
import logging
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from fog_flower.data.cache import cache_dir, is_cached, read_cached, write_cached
from fog_flower.data.dataset import Dataset
from fog_flower.data.from_arrays import AUTO, ROWS, from_arrays
from fog_flower.data.request import Request
from fog_flower.errors import UserError
from fog_flower.tasks.examples import Array, Examples

DIVIDING_SEED = 0  # of all runs, so that they have the same test part
GREY_MODES, COLOUR_MODES = {"1", "L"}, {"RGB", "RGBA", "P", "CMYK", "LA", "YCbCr", "HSV"}


def hf(
    request: Request,
    *,
    inputs: str | tuple[str, ...] | list[str] = "",
    targets: str = "",
    train: str = "train",
    test: str | float = "test",
    name: str = "",
    revision: str = "",
    kind: str = AUTO,
) -> Dataset:
    """Load ``hf:NAME`` of the hub, or ``hf:/FOLDER`` of parquet, csv, json or image files.

    The library ``datasets`` reads it, as for Flower Datasets. Images must have one size.

    Parameters
    ----------
    request : Request
        Its argument is the name, or the folder's absolute path.
    inputs : str or tuple of str
        Column of the inputs, or several columns of numbers, which become rows. By default, the only
        column of images.
    targets : str
        Column of the labels. By default, the only column of class labels.
    train : str
        A split or a slice of it, e.g. ``train[:80%]``. Slices keep the order of the files.
    test : str or float
        Another, or the fraction of ``train`` that is drawn at random for the test part, the same
        each time.
    name, revision : str
        Of a data set on the hub: its configuration, and a commit or tag.
    kind : str
        Kind of the inputs, see ``from_arrays``.

    Raises
    ------
    UserError
        If it cannot be loaded (e.g. no network), or columns and splits do not fit.
    """
    where = request.argument
    key = f"dataset='hf:{where}'"
    if not where:
        raise UserError(
            "dataset='hf:': name a data set of the hub or a folder, e.g. hf:ylecun/mnist"
        )
    folder = Path(where).expanduser()
    if folder.is_file():
        raise UserError(f"{key}: is a file; name its folder: dataset=hf:{folder.parent}")
    if where.startswith(("~", ".", "/")) and not folder.is_dir():
        raise UserError(f"{key}: there is no such folder")
    place = str(folder.absolute()) if folder.is_dir() else where
    if isinstance(test, str):
        splits = (("train", train), ("test", test))
        tables = {part: _load(key, place, split, name, revision) for part, split in splits}
    else:
        tables = _divided(key, _load(key, place, train, name, revision), test)
        test = f"{test:g} of {train}"
    chosen = _chosen(key, tables["train"], inputs, targets)
    arrays, names, called = {}, (), {}
    for part, table in tables.items():
        _check_columns(key, table, *chosen)
        split = {"train": train, "test": test}[part]
        called[f"x_{part}"] = f"column {', '.join(map(repr, chosen[0]))} of split {split!r}"
        called[f"y_{part}"] = f"column {chosen[1]!r} of split {split!r}"
        arrays[f"x_{part}"], arrays[f"y_{part}"] = _decoded(key, table, *chosen)
        names = tuple(getattr(table.features[chosen[1]], "names", None) or ())
    known = folder.name if folder.is_dir() else where
    details = ", ".join(part for part in (name, revision, train, test) if part)
    if len(chosen[0]) > 1 and kind == AUTO:
        kind = ROWS
    origin = f"{known} ({details})"
    return from_arrays(
        f"hf:{known}", arrays, key, kind=kind, names=names, called=called, origin=origin
    )


def _load(key: str, place: str, split: str, name: str, revision: str) -> Any:
    try:
        with _quietly():
            import datasets  # noqa: PLC0415  (1.5 s that only this source needs)

            # Data of the hub goes to the library's own cache, which the user manages. What is read
            # from a folder goes to ours.
            ours = str(cache_dir() / "datasets") if Path(place).is_dir() else None
            return datasets.load_dataset(
                place, name or None, split=split, revision=revision or None, cache_dir=ours
            )
    except ModuleNotFoundError as error:
        raise UserError(
            f"{key}: needs {error.name}, which is not installed here: pip install "
            "'fog-flower[simulation]'"
        ) from error
    except Exception as error:  # the library raises many kinds, its own and those of its readers
        offline = "" if Path(place).is_dir() else "; without network use hf:/FOLDER"
        raise UserError(
            f"{key}, split {split!r}: {_reason(error)}; name splits with dataset-args, e.g. "
            "train='train',test='validation', or test=0.2 to draw a fifth of the split 'train' at "
            f"random{offline}"
        ) from error


def _divided(key: str, table: Any, fraction: float) -> dict[str, Any]:
    """Divide a table at random into a training and a test part, the same each time."""
    told = f"{key}, dataset-args: test={fraction!r}"
    if not isinstance(fraction, float) or not 0.0 < fraction < 1.0:
        raise UserError(
            f"{told}: must be the name of a split, or a fraction of the training split, e.g. 0.2"
        )
    count = round(fraction * len(table))
    if not 0 < count < len(table):
        raise UserError(
            f"{told}: of {len(table)} examples, one of the two parts would get none; use another "
            "fraction"
        )
    with _quietly():
        parts = table.train_test_split(test_size=count, seed=DIVIDING_SEED)
    return {"train": parts["train"], "test": parts["test"]}


def _chosen(
    key: str, table: Any, inputs: str | tuple[str, ...] | list[str], targets: str
) -> tuple[tuple[str, ...], str]:
    """Return the columns of the inputs, and the column of the targets."""
    columns = (inputs,) if isinstance(inputs, str) and inputs else tuple(inputs)
    if not columns:
        columns = _of_kind(table, "Image")
    labels = (targets,) if targets else _of_kind(table, "ClassLabel")
    if len(labels) != 1 or (not inputs and len(columns) != 1):
        raise UserError(
            f"{key}: say which columns are inputs and targets, e.g. dataset-args=\"inputs='image',"
            f"targets='label'\"; there are {_columns_of(table)}"
        )
    return columns, labels[0]


def _of_kind(table: Any, kind: str) -> tuple[str, ...]:
    return tuple(n for n, feature in table.features.items() if type(feature).__name__ == kind)


def _columns_of(table: Any) -> str:
    kinds = {n: getattr(f, "dtype", type(f).__name__) for n, f in table.features.items()}
    return ", ".join(f"{name} ({kind})" for name, kind in kinds.items())


def _check_columns(key: str, table: Any, inputs: tuple[str, ...], targets: str) -> None:
    for argument, column in (*(("inputs", name) for name in inputs), ("targets", targets)):
        if column not in table.features:
            raise UserError(
                f"{key}, dataset-args: {argument}={column!r}: there is no such column; there are "
                f"{_columns_of(table)}"
            )


def _decoded(key: str, table: Any, inputs: tuple[str, ...], targets: str) -> tuple[Array, Array]:
    """Return the columns as arrays; images are decoded once and kept in the cache."""
    labels = _column(table, targets)
    if inputs[0] not in _of_kind(table, "Image"):
        columns = [_numbers(key, table, name) for name in inputs]
        return (columns[0] if len(columns) == 1 else _as_rows(key, inputs, columns)), labels
    if len(inputs) > 1:
        raise UserError(f"{key}, dataset-args: inputs={inputs}: an image is one column")
    digest = hashlib.sha256(f"{table._fingerprint}/{inputs[0]}".encode()).hexdigest()[:16]
    folder = cache_dir() / "examples" / f"hf-{digest}"
    if not is_cached(folder):
        images = _images(key, table[inputs[0]])
        write_cached(folder, Examples(images, np.zeros(len(images), np.int64)))
    return read_cached(folder)[0].inputs, labels


def _column(table: Any, name: str) -> Array:
    return np.asarray(table.select_columns([name]).with_format("numpy")[:][name])


def _numbers(key: str, table: Any, name: str) -> Array:
    array = _column(table, name)
    if array.dtype.kind in "UO":
        raise UserError(f"{key}, dataset-args: inputs={name!r}: {_why_no_numbers(table, name)}")
    return array


def _why_no_numbers(table: Any, name: str) -> str:
    """Return why a column is no array of numbers, and the remedy."""
    values = table.select_columns([name]).with_format(None)[:][name]
    text = next((value for value in values if isinstance(value, str)), None)
    if text is not None:
        return f"is text, e.g. {text[:40]!r}, not numbers: encode text and categories as numbers"
    missing = [row for row, value in enumerate(values) if value is None]
    if missing:
        return (
            f"{len(missing):,} of {len(values):,} values are missing, the first in row "
            f"{missing[0]}; fill in what is missing, or drop these rows"
        )
    return "holds sequences that are not of one shape: pad them"


def _as_rows(key: str, names: tuple[str, ...], columns: list[Array]) -> Array:
    if any(column.ndim != 1 for column in columns):
        raise UserError(f"{key}, dataset-args: inputs={names}: each must be a column of numbers")
    return np.stack(columns, axis=1)


def _images(key: str, column: Any) -> Array:
    """Decode images, grey or in colour, to uint8 [n, h, w, 1 or 3]."""
    try:
        pictures = list(column)
    except Exception as error:
        raise UserError(f"{key}: an image cannot be decoded ({_reason(error)})") from error
    if any(picture is None for picture in pictures):
        raise UserError(f"{key}: an image is missing")
    modes = {picture.mode for picture in pictures}
    if strange := modes - GREY_MODES - COLOUR_MODES:
        raise UserError(
            f"{key}: images have the mode {', '.join(sorted(strange))}; convert them to 8 bits"
        )
    sizes = {picture.size for picture in pictures}
    if len(sizes) != 1:
        told = ", ".join(f"{w} x {h}" for w, h in sorted(sizes)[:4])
        raise UserError(f"{key}: images must have one size, not {told}: resize them first")
    mode = "L" if modes <= GREY_MODES else "RGB"
    images = np.stack([np.asarray(picture.convert(mode), np.uint8) for picture in pictures])
    return images[..., None] if images.ndim == 3 else images


@contextlib.contextmanager
def _quietly() -> Iterator[None]:
    """Hide the library's progress bars, warnings and retries; errors are still raised."""
    loggers = [logging.getLogger(name) for name in ("datasets", "huggingface_hub")]
    levels = [logger.level for logger in loggers]
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for logger in loggers:
            logger.setLevel(logging.CRITICAL)
        try:
            yield
        finally:
            for logger, level in zip(loggers, levels, strict=True):
                logger.setLevel(level)


def _reason(error: Exception) -> str:
    text = str(error).splitlines()[0] if str(error) else ""
    return f"{type(error).__name__}: {text}"[:300]
