"""Weights between Keras and Flower, and the few sums that are done with them."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from flwr.app import ArrayRecord

Weights = list[np.ndarray]


def to_record(weights: Sequence[np.ndarray]) -> ArrayRecord:
    """Pack weights in Keras' order under the keys "0", "1", ..."""
    return ArrayRecord(list(weights))


def from_record(record: ArrayRecord) -> Weights:
    """Unpack weights in the record's order; pickle is never used."""
    return record.to_numpy_ndarrays()


def add(weights: Sequence[np.ndarray], delta: Sequence[np.ndarray]) -> Weights:
    """Return W + dW, array by array, in W's dtype."""
    return [(w + d).astype(w.dtype, copy=False) for w, d in zip(weights, delta, strict=True)]


def subtract(weights: Sequence[np.ndarray], start: Sequence[np.ndarray]) -> Weights:
    """Return dW = W_local - W (paper, section 3), array by array."""
    return [w - s for w, s in zip(weights, start, strict=True)]


def count_bytes(weights: Sequence[np.ndarray]) -> int:
    """Return the bytes of the numbers, without any header of the wire."""
    return sum(array.nbytes for array in weights)


def all_finite(weights: Sequence[np.ndarray]) -> bool:
    """Tell whether every number is finite."""
    return all(bool(np.isfinite(array).all()) for array in weights)


def norm(weights: Sequence[np.ndarray]) -> float:
    """Return the Euclidean norm over all arrays, summed in float64."""
    return float(np.sqrt(sum(float(np.square(a, dtype=np.float64).sum()) for a in weights)))


def flatten(weights: Sequence[np.ndarray]) -> npt.NDArray[np.float32]:
    """Return all numbers as one vector."""
    return np.concatenate([np.asarray(array, np.float32).ravel() for array in weights])


def unflatten(vector: npt.NDArray[np.float32], like: Sequence[np.ndarray]) -> Weights:
    """Cut a vector into arrays of these shapes and dtypes."""
    ends = np.cumsum([array.size for array in like])[:-1]
    return [
        part.reshape(array.shape).astype(array.dtype, copy=False)
        for part, array in zip(np.split(vector, ends), like, strict=True)
    ]
