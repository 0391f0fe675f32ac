"""Arithmetic on updates that several attacks share, on NumPy arrays."""

from collections.abc import Sequence

import numpy as np

from fog_flower.weights import Weights, all_finite, as_dtype


def scaled(delta: Weights, factor: float) -> Weights:
    """Return factor * dW, in dW's dtypes."""
    return [as_dtype(array * factor, array.dtype) for array in delta]


def filled(delta: Weights, value: float) -> Weights:
    """Return an update filled with ``value``, which integer arrays round."""
    return [as_dtype(np.full(array.shape, value), array.dtype) for array in delta]


def finite_ones(updates: Sequence[Weights], otherwise: Weights) -> list[Weights]:
    """Return the updates that are finite, or only ``otherwise`` if none is."""
    return [one for one in updates if all_finite(one)] or [otherwise]


def mean(updates: Sequence[Weights]) -> Weights:
    """Return the mean of updates, array by array, in their dtypes."""
    return [
        as_dtype(np.mean([update[i] for update in updates], axis=0), updates[0][i].dtype)
        for i in range(len(updates[0]))
    ]
