"""Builds a data set from four arrays, as in Keras' ``load_data`` and ``.npz`` files."""

import math
from collections.abc import Callable, Mapping

import numpy as np

from fog_flower.data.dataset import Dataset, fingerprint
from fog_flower.data.preprocess import ColumnNormaliser, Preprocess, Tokens, middle_grey
from fog_flower.errors import UserError
from fog_flower.tasks.classification import Classification
from fog_flower.tasks.examples import Array, Examples
from fog_flower.tasks.task import Task

NAMES = ("x_train", "y_train", "x_test", "y_test")
AUTO, IMAGES, ROWS, TOKENS = "auto", "images", "rows", "tokens"
KINDS = (AUTO, IMAGES, ROWS, TOKENS)
LEVELS = 256
CHANNELS = (1, 3, 4)  # grey, colour, and colour with opacity
DARK = 32  # whole numbers that are all below this are hardly pixels from 0 to 255
BRIGHT = 2.0  # non-negative float images with larger values are not scaled to 0 to 1


def from_arrays(  # noqa: PLR0913  (each has a neutral default)
    name: str,
    arrays: Mapping[str, Array],
    key: str,
    *,
    kind: str = AUTO,
    names: tuple[str, ...] = (),
    called: Mapping[str, str] | None = None,
    origin: str = "",
    preprocess: Preprocess | None = None,
    task: Task | None = None,
) -> Dataset:
    """Build the data set of arrays ``x_train, y_train, x_test, y_test``.

    Without ``task``, the task is classification. The sorted distinct labels are the classes, so
    labels may be text, start at 1, or skip numbers.

    Parameters
    ----------
    name, origin : str
        Of the data set, for the records.
    arrays : mapping
    key : str
        Begins every message.
    kind : str
        Kind of the inputs if ``preprocess`` is not given. ``images``: [n, h, w] or [n, h, w, c];
        whole numbers from 0 to 255 are scaled to -1 to 1, and floats are used unchanged. ``rows``:
        numbers [n, ...], used unchanged. ``tokens``: whole numbers [n, length]. ``auto``: whole
        numbers are images, or tokens if they are [n, length]; floats are rows, or images if they
        are [n, h, w, c]; booleans [n, length] are rows.
    names : tuple of str
        Of the classes, if labels are their numbers.
    called : mapping, optional
        What messages call each of the four arrays, e.g. by the name of a user's column.
    preprocess, task : optional
        The user's own.

    Raises
    ------
    UserError
        If the arrays do not fit. The message begins with ``key``.
    """
    if kind not in KINDS:
        raise UserError(f"{key}, dataset-args: kind={kind!r}: write one of {', '.join(KINDS)}")
    called = called or {part: part for part in NAMES}
    found = {part: _array(key, part, called[part], arrays[part]) for part in NAMES}
    _check_lengths(key, found, called)
    inputs = {part: found[f"x_{part}"] for part in ("train", "test")}
    targets = {part: found[f"y_{part}"] for part in ("train", "test")}
    try:
        if preprocess is None:
            inputs, preprocess = _prepared(inputs, kind)
        if task is None:
            targets, task = _classes(
                targets, names, {part: called[f"y_{part}"] for part in targets}
            )
        train, test = (Examples(inputs[part], targets[part]) for part in ("train", "test"))
        sha256 = fingerprint(train, test)
        return Dataset(name, sha256, train, test, task, preprocess, origin)
    except ValueError as error:
        raise UserError(f"{key}: {error}") from error


def _array(key: str, part: str, called: str, value: object) -> Array:
    """Convert a value to an array of numbers or booleans or, for labels, text."""
    if np.ma.is_masked(value):
        raise UserError(
            f"{key}: {called} has masked values; fill in what is missing, or leave it out"
        )
    try:
        array = np.asarray(value)
    except (ValueError, TypeError, RuntimeError) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(
            f"{key}: {called} is not an array ({reason}); sequences must have one length: pad them"
        ) from error
    if array.dtype.kind == "O" and array.size and all(isinstance(v, str) for v in array.flat):
        array = array.astype(str)
    if part[0] == "x" and array.dtype.kind == "U" and array.size:
        raise UserError(
            f"{key}: {called} is text, e.g. {str(array.flat[0])[:40]!r}, but inputs must be "
            "numbers: encode text and categories as numbers"
        )
    if array.dtype.kind not in "biufU" or array.ndim == 0:
        raise UserError(
            f"{key}: {called} must be an array of numbers{' or text' if part[0] == 'y' else ''}, "
            f"not {array.dtype} {list(array.shape)}{_missing(array)}; encode categories as "
            "numbers, fill in what is missing, and pad sequences to one length"
        )
    return array


def _check_lengths(key: str, found: Mapping[str, Array], called: Mapping[str, str]) -> None:
    for part in ("train", "test"):
        x, y = found[f"x_{part}"], found[f"y_{part}"]
        if len(x) != len(y):
            raise UserError(
                f"{key}: {called[f'x_{part}']} has {len(x):,} examples, but {called[f'y_{part}']} "
                f"{len(y):,}; give each example one label"
            )
        if not len(x):
            raise UserError(f"{key}: {called[f'x_{part}']} has no examples")


def _prepared(inputs: dict[str, Array], kind: str) -> tuple[dict[str, Array], Preprocess]:
    """Return the inputs to store, and the preprocessing that fits them."""
    train = inputs["train"]
    whole = all(array.dtype.kind in "biu" for array in inputs.values())
    if kind == AUTO:
        kind = _guessed(train, whole=whole)
        _check_guess(inputs, kind, whole=whole)
    prepare: dict[str, Callable[[dict[str, Array]], tuple[dict[str, Array], Preprocess]]] = {
        IMAGES: _as_pixels if whole else _as_float_images,
        TOKENS: _as_tokens,
        ROWS: _as_rows,
    }
    return prepare[kind](inputs)


def _guessed(train: Array, *, whole: bool) -> str:
    if train.dtype.kind == "b" and train.ndim == 2:
        return ROWS
    if whole and train.ndim >= 3:
        return IMAGES
    if whole and train.ndim == 2:
        return TOKENS
    return IMAGES if train.ndim == 4 else ROWS


def _check_guess(inputs: Mapping[str, Array], kind: str, *, whole: bool) -> None:
    """Raise a ``ValueError`` if inputs are probably not what dtype and shape suggest."""
    as_rows = "if they are quantities, set dataset-args=\"kind='rows'\""
    if any(array.dtype.kind not in "iuf" for array in inputs.values()):
        return
    largest = max(float(array.max(initial=0)) for array in inputs.values())
    scaled = f"divide them by {largest:g} and add a last axis, x[..., None]"
    stored = "store them as uint8, or " if largest >= DARK else ""
    for array in inputs.values():
        if kind == ROWS and array.ndim == 3 and array.dtype.kind == "f" and _are_pixels(array):
            raise ValueError(
                f"floats {list(array.shape)} that are whole numbers from 0 to {largest:g} look "
                f"like images: {stored}{scaled}; {as_rows}"
            )
    if kind == IMAGES and whole and 0 < largest < DARK:
        raise ValueError(
            f"whole numbers from 0 to {largest:g} would be images that are nearly black, because "
            f"white is 255: {scaled}, if there is none; or set "
            "dataset-args=\"kind='images'\" if they are so dark, with normalisation=fitted"
        )


def _as_pixels(inputs: dict[str, Array]) -> tuple[dict[str, Array], Preprocess]:
    pixels = {}
    for part, array in inputs.items():
        if array.ndim not in (3, 4) or 0 in array.shape[1:]:
            raise ValueError(f"images must be [n, h, w] or [n, h, w, c], not {list(array.shape)}")
        if array.dtype.kind == "b":
            array = array.astype(np.uint8) * np.uint8(LEVELS - 1)  # noqa: PLW2901
        low, high = int(array.min(initial=0)), int(array.max(initial=0))
        if low < 0 or high >= LEVELS:
            raise ValueError(
                f"images of whole numbers must be 0 to {LEVELS - 1}, but reach from {low} to "
                f"{high}; for other numbers use dataset-args=\"kind='rows'\""
            )
        if array.ndim == 4 and array.shape[1] in CHANNELS and array.shape[3] not in CHANNELS:
            raise ValueError(
                f"images must be [n, h, w, c], but {list(array.shape)} has its channels first: "
                "np.moveaxis(x, 1, -1)"
            )
        array = array.astype(np.uint8, copy=False)  # noqa: PLW2901
        pixels[part] = array[..., None] if array.ndim == 3 else array
    return pixels, middle_grey(pixels["train"].shape[-1])


def _as_float_images(inputs: dict[str, Array]) -> tuple[dict[str, Array], Preprocess]:
    images = {}
    for part, array in inputs.items():
        if array.ndim not in (3, 4) or array.dtype.kind not in "fiu":
            raise ValueError(
                f"images must be [n, h, w] or [n, h, w, c], not {array.dtype} {list(array.shape)}"
            )
        low, high = array.min(initial=0.0), array.max(initial=0.0)
        if low >= 0.0 and high > BRIGHT:
            raise ValueError(
                f"float images reach from {low:g} to {high:g}: divide them by {high:g}, or store "
                "whole numbers from 0 to 255"
            )
        images[part] = array[..., None] if array.ndim == 3 else array
    return images, ColumnNormaliser(np.zeros(()), np.ones(()))


def _as_rows(inputs: dict[str, Array]) -> tuple[dict[str, Array], Preprocess]:
    rows = {
        part: array.astype(np.float32) if array.dtype.kind == "b" else array
        for part, array in inputs.items()
    }
    return rows, ColumnNormaliser(np.zeros(()), np.ones(()))


def _are_pixels(array: Array) -> bool:
    low, high = array.min(), array.max()
    return bool(low >= 0 and BRIGHT < high < LEVELS and (array == np.rint(array)).all())


def _as_tokens(inputs: dict[str, Array]) -> tuple[dict[str, Array], Preprocess]:
    if not all(array.dtype.kind in "iu" for array in inputs.values()):
        kinds = " and ".join(str(array.dtype) for array in inputs.values())
        raise ValueError(f"tokens must be integers [n, length], not {kinds}")
    if (lowest := min(int(array.min(initial=0)) for array in inputs.values())) < 0:
        raise ValueError(
            f"tokens must be 0 or more, but reach from {lowest}; if they are quantities, use "
            "dataset-args=\"kind='rows'\""
        )
    largest = max(int(array.max(initial=0)) for array in inputs.values())
    if largest > np.iinfo(np.int32).max - 1:
        raise ValueError(f"tokens must fit into int32, but reach to {largest}")
    return inputs, Tokens(largest + 1)


def _classes(
    targets: dict[str, Array], names: tuple[str, ...], called: Mapping[str, str]
) -> tuple[dict[str, Array], Classification]:
    """Return labels numbered from 0, and the task with their classes."""
    flat = {part: _flat_labels(called[part], array) for part, array in targets.items()}
    if len({array.dtype.kind == "U" for array in flat.values()}) > 1:
        raise ValueError(
            f"{called['train']} and {called['test']}: one holds text, the other numbers; give both "
            "the same labels"
        )
    distinct = np.unique(np.concatenate(list(flat.values())))
    negative = distinct.dtype.kind == "i" and len(distinct) and distinct[0] < 0
    if negative and distinct.tolist() != [-1, 1]:
        raise ValueError(
            f"there is a label {distinct[0]}, but classes count from 0: drop unlabelled examples"
        )
    if len(distinct) < 2:
        only = distinct[0] if len(distinct) else "missing"
        raise ValueError(f"every label is {only}: classification needs at least 2 classes")
    if names:
        if distinct[-1] >= len(names):
            raise ValueError(f"there is a label {distinct[-1]}, but only {len(names)} names")
        return {part: array.astype(np.int64) for part, array in flat.items()}, Classification(
            len(names), names
        )
    codes = {
        part: np.searchsorted(distinct, array).astype(np.int64) for part, array in flat.items()
    }
    told = tuple(str(label) for label in distinct.tolist())
    numbered = told == tuple(map(str, range(len(told))))
    return codes, Classification(len(told), () if numbered else told)


def _missing(array: Array) -> str:
    """Say how many values are missing; empty if none is."""
    flat = array.reshape(-1)
    if array.dtype.kind == "f":
        absent = np.isnan(flat)
    else:
        absent = np.array([value is None or _is_nan(value) for value in flat], bool)
    if not absent.any():
        return ""
    return f" ({absent.sum():,} of {len(flat):,} are missing, the first at {absent.argmax()})"


def _is_nan(value: object) -> bool:
    return isinstance(value, float) and math.isnan(value)


def _flat_labels(called: str, array: Array) -> Array:
    if array.dtype.kind == "f" and array.size == len(array) and not _whole(array):
        raise ValueError(
            f"{called} holds numbers with decimals, e.g. {_first_odd(array):g}, but the built-in "
            "task is classification, and each distinct label a class. Regression is not built in: "
            "write a task of your own (docs/how-to/plug-in.md, Data set), or sort the numbers into "
            "classes"
        )
    if array.dtype.kind not in "biuU" or array.size != len(array):
        raise ValueError(
            f"{called} must be whole numbers or text [n], a class each, not {array.dtype} "
            f"{list(array.shape)}{_missing(array)}; one-hot labels: use y.argmax(axis=1); whole "
            "numbers stored as floats: use y.astype(int), without what is missing"
        )
    return array.reshape(-1)  # Keras ships CIFAR's labels as uint8 [n, 1]


def _whole(array: Array) -> bool:
    return bool((np.isnan(array) | (array == np.rint(array))).all())


def _first_odd(array: Array) -> float:
    flat = array.reshape(-1)
    return float(flat[np.flatnonzero(~np.isnan(flat) & (flat != np.rint(flat)))[0]])
