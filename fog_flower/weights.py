"""Converts weights between Keras and Flower, and does arithmetic on them."""

import functools
import io
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from flwr.app import Array, ArrayRecord
from flwr.common.constant import SType

Weights = list[np.ndarray]
_NPY = b"\x93NUMPY\x01\x00"  # first bytes of an .npy file, version 1.0


def to_record(weights: Sequence[np.ndarray]) -> ArrayRecord:
    """Pack weights in Keras' order under the keys "0", "1", ..."""
    return ArrayRecord([np.asarray(array) for array in weights])


def from_record(record: ArrayRecord) -> Weights:
    """Unpack weights in the record's order; pickle is never used."""
    return [view.copy(order="K") for view in views_of(record)]


def views_of(record: ArrayRecord) -> Weights:
    """Return the weights of a record as read-only views, not copied where that is possible.

    Raises
    ------
    ValueError, TypeError, OSError or EOFError
        If an array cannot be read, as ``flwr.app.Array.numpy`` does.
    """
    return [_view_of(array) for array in record.values()]


def _view_of(array: Array) -> np.ndarray:
    start = len(_NPY) + 2 + int.from_bytes(array.data[len(_NPY) : len(_NPY) + 2], "little")
    if array.stype != SType.NUMPY or not array.data.startswith(_NPY):
        return array.numpy()
    shape, in_fortran, dtype = _layout_of(array.data[:start])
    if dtype.hasobject or not dtype.itemsize or min(shape, default=0) < 0:
        return array.numpy()
    numbers = np.frombuffer(array.data, dtype, math.prod(shape), start)
    return numbers.reshape(shape[::-1]).T if in_fortran else numbers.reshape(shape)


@functools.lru_cache(maxsize=64)
def _layout_of(header: bytes) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    """Parse the header of an .npy array; cached, because NumPy takes longer for it than training.

    A model has few different headers, and every fog node sends the same ones.
    """
    found: tuple[tuple[int, ...], bool, np.dtype[Any]]
    found = np.lib.format.read_array_header_1_0(io.BytesIO(header[len(_NPY) :]))
    return found


def step_dtype(dtype: np.dtype[Any]) -> np.dtype[Any]:
    """Return the dtype of dW for a W of this dtype: the same, or a signed one.

    Booleans and unsigned integers need a signed dtype, because they may decrease.
    """
    if dtype.kind not in "ub":
        return dtype
    wider = {1: np.int8 if dtype.kind == "b" else np.int16, 2: np.int32}
    return np.dtype(wider.get(dtype.itemsize, np.int64))


def as_dtype(values: npt.ArrayLike, dtype: np.dtype[Any]) -> np.ndarray:
    """Convert values to a dtype; for integers they are rounded and clipped, and NaN becomes 0."""
    array = np.asarray(values)
    if dtype.kind in "iub" and array.dtype != dtype:
        low, high = (0, 1) if dtype.kind == "b" else (np.iinfo(dtype).min, np.iinfo(dtype).max)
        if array.dtype.kind == "f":
            array = np.rint(np.nan_to_num(array.astype(np.float64)))
            # As a float, the largest int64 is rounded up and too large by one.
            high = np.nextafter(float(high), 0.0) if dtype.itemsize == 8 else high
        array = np.clip(array, low, high)
    return np.asarray(array, dtype)


def add(weights: Sequence[np.ndarray], delta: Sequence[np.ndarray]) -> Weights:
    """Return W + dW, array by array, in W's dtype."""
    return [as_dtype(w + d, w.dtype) for w, d in zip(weights, delta, strict=True)]


def subtract(weights: Sequence[np.ndarray], start: Sequence[np.ndarray]) -> Weights:
    """Return dW = W_local - W (paper, section 3), array by array."""
    return [np.asarray(_signed(w) - _signed(s)) for w, s in zip(weights, start, strict=True)]


def _signed(array: np.ndarray) -> np.ndarray:
    return np.asarray(array).astype(step_dtype(array.dtype), copy=False)


def count_bytes(weights: Sequence[np.ndarray]) -> int:
    """Return the size of the arrays in bytes, without message headers."""
    return sum(array.nbytes for array in weights)


def all_finite(weights: Sequence[np.ndarray]) -> bool:
    """Return whether every number is finite."""
    return all(bool(np.isfinite(array).all()) for array in weights)


def same_but_rounding(
    weights: Sequence[np.ndarray], before: Sequence[np.ndarray], sums: int
) -> bool:
    """Return whether all numbers differ by no more than the rounding of ``sums`` additions.

    The tolerance is relative to the largest number in ``before``.
    """
    largest = max((float(np.abs(b.astype(np.float64)).max(initial=0.0)) for b in before), default=0)
    for array, like in zip(weights, before, strict=True):
        unit = np.finfo(like.dtype).eps if like.dtype.kind == "f" else 0.0
        change = np.abs(array.astype(np.float64) - like.astype(np.float64)).max(initial=0.0)
        if not change <= sums * unit * largest:  # NaN is a change
            return False
    return True


def norm(weights: Sequence[np.ndarray]) -> float:
    """Return the Euclidean norm over all arrays, summed in float64."""
    return float(np.sqrt(sum(float(np.square(a, dtype=np.float64).sum()) for a in weights)))


def flatten(weights: Sequence[np.ndarray]) -> npt.NDArray[np.float32]:
    """Return all numbers as one float32 vector."""
    return np.concatenate([np.asarray(array, np.float32).ravel() for array in weights])


def unflatten(vector: npt.NDArray[np.float32], like: Sequence[np.ndarray]) -> Weights:
    """Split a vector into arrays with the shapes and dtypes of ``like``."""
    ends = np.cumsum([array.size for array in like])[:-1]
    return [
        as_dtype(part.reshape(array.shape), array.dtype)
        for part, array in zip(np.split(vector, ends), like, strict=True)
    ]


def squared_distances(rows: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """Return the squared distances [k, k] between updates [k, d]."""
    squares = np.square(rows).sum(axis=1)
    between = squares[:, None] + squares[None, :] - 2.0 * rows @ rows.T
    distances: npt.NDArray[np.float64] = np.maximum(between, 0.0)
    return distances
