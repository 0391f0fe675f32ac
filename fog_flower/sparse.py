"""Packs arrays of mostly zeros into few bytes: the non-zero values, and compressed gaps."""

import struct
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from flwr.app import ArrayRecord
from flwr.common import Array

from fog_flower.weights import Weights, flatten

KEY = "sparse"
_HEAD = struct.Struct("<QQ")  # number of values, and of bytes of compressed gaps
_MOST = 5  # bytes of a gap, at most: gaps are below 2^35


def to_sparse_record(weights: Sequence[np.ndarray]) -> ArrayRecord:
    """Pack float32 arrays; zeros take almost no space.

    Raises
    ------
    ValueError
        If an array is of another dtype.
    """
    if any(array.dtype != np.float32 for array in weights):
        raise ValueError("only float32 arrays are packed")
    vector = flatten(weights)
    chosen = np.flatnonzero(vector)
    gaps = zlib.compress(_varints(np.diff(chosen, prepend=-1) - 1), 9)
    payload = _HEAD.pack(len(chosen), len(gaps)) + gaps + vector[chosen].astype("<f4").tobytes()
    record = ArrayRecord()
    record[KEY] = Array(np.frombuffer(payload, np.uint8))
    return record


def is_sparse(record: ArrayRecord) -> bool:
    """Return whether a record was packed by ``to_sparse_record``."""
    return list(record) == [KEY]


def from_sparse_record(record: ArrayRecord, like: Sequence[np.ndarray]) -> Weights:
    """Unpack float32 arrays with the shapes of ``like``.

    Raises
    ------
    ValueError
        If the bytes are damaged or do not fit these shapes.
    """
    payload = record[KEY].numpy().tobytes()
    size = sum(array.size for array in like)
    if len(payload) < _HEAD.size:
        raise ValueError("it is cut off")
    count, length = _HEAD.unpack_from(payload)
    if count > size or len(payload) != _HEAD.size + length + 4 * count:
        raise ValueError(f"it tells of {count} values of {size}, in {len(payload)} bytes")
    inflate = zlib.decompressobj()
    try:
        packed = inflate.decompress(payload[_HEAD.size : _HEAD.size + length], _MOST * count + 1)
    except zlib.error as error:
        raise ValueError(str(error)) from error
    places = np.cumsum(_numbers(packed, count) + 1) - 1
    if count and places[-1] >= size:
        raise ValueError(f"it tells of number {places[-1]} of {size}")
    vector = np.zeros(size, np.float32)
    vector[places] = np.frombuffer(payload, "<f4", count, _HEAD.size + length)
    ends = np.cumsum([array.size for array in like])[:-1]
    parts = zip(np.split(vector, ends), like, strict=True)
    return [part.reshape(array.shape) for part, array in parts]


def _varints(numbers: npt.NDArray[np.int64]) -> bytes:
    """Encode non-negative numbers with 7 bits per byte, low bits first (LEB128)."""
    digits = (numbers[:, None] >> (7 * np.arange(_MOST))) & 127
    used = np.ones(digits.shape, bool)
    used[:, 1:] = (numbers[:, None] >> (7 * np.arange(1, _MOST))) > 0
    more = np.zeros(digits.shape, np.int64)
    more[:, :-1] = used[:, 1:]
    return (digits + 128 * more)[used].astype(np.uint8).tobytes()


def _numbers(packed: bytes, count: int) -> npt.NDArray[np.int64]:
    """Decode ``count`` numbers that ``_varints`` encoded."""
    digits = np.frombuffer(packed, np.uint8).astype(np.int64)
    last = digits < 128
    if int(last.sum()) != count or (len(digits) and not last[-1]):
        raise ValueError(f"it tells of {int(last.sum())} places of {count} values")
    begins = np.flatnonzero(np.concatenate([[True], last[:-1]])) if count else np.zeros(0, int)
    place = np.arange(len(digits)) - np.repeat(begins, np.diff(begins, append=len(digits)))
    if len(place) and place.max() >= _MOST:
        raise ValueError("a gap is longer than any array")
    sums: npt.NDArray[np.int64] = (
        np.add.reduceat((digits & 127) << (7 * place), begins) if count else np.zeros(0, np.int64)
    )
    return sums
