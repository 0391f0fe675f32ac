"""Linear algebra on the updates of a round, without copying them into one matrix."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.linalg.blas import saxpy

from fog_flower.weights import Weights, as_dtype, flatten

Vector = npt.NDArray[np.float64]
Flat = npt.NDArray[np.float32]

COLUMNS = 2**14  # weights per block; a block of all updates is copied at a time
BLOCK = 2**22  # numbers in a block at most


class Steps:
    """The k updates of a round as steps from W.

    They stay in the arrays in which they arrived: one matrix [k, d] would double their memory.

    Parameters
    ----------
    start : Weights
        W.
    deltas : k Weights
        Each dW, in W's shapes.
    """

    def __init__(self, start: Weights, deltas: Sequence[Weights]) -> None:
        self._start, self._deltas = start, deltas
        self._flat = [[_flat(array) for array in delta] for delta in deltas]

    def __len__(self) -> int:
        return len(self._deltas)

    def merged(self, factors: npt.ArrayLike) -> Weights:
        """Return W + sum of factor * dW, in W's dtypes; ``factors`` [k]."""
        chosen = [(float(f), d) for f, d in zip(np.asarray(factors), self._flat, strict=True) if f]
        merged = []
        for position, array in enumerate(self._start):
            total = np.zeros(array.size, np.float32)
            for factor, delta in chosen:
                total = saxpy(delta[position], total, a=factor)
            there = _flat(array) + total
            merged.append(as_dtype(there.reshape(array.shape), array.dtype))
        return merged

    def along(self, gradients: Sequence[Weights]) -> Vector:
        """Return the inner product of each gradient with each dW [gradients, k]."""
        sides = [
            np.stack([_flat(gradient[position]) for gradient in gradients], axis=1)
            for position in range(len(self._start))
        ]
        slopes = [
            sum(array @ side for array, side in zip(delta, sides, strict=True))
            for delta in self._flat
        ]
        return np.asarray(slopes, np.float64).T

    def cosines(self) -> Vector:
        """Return the cosines between all pairs of dW [k, k]; 0 where one has length 0."""
        products = np.zeros((len(self), len(self)))
        columns = min(COLUMNS, max(BLOCK // len(self), 1))
        for position, array in enumerate(self._start):
            for first in range(0, array.size, columns):
                part = np.stack([d[position][first : first + columns] for d in self._flat])
                products += part @ part.T
        lengths = np.sqrt(np.diag(products))
        scale = np.outer(lengths, lengths)
        cosines: Vector = np.divide(products, scale, out=np.zeros_like(products), where=scale > 0.0)
        return cosines

    def rows(self) -> Flat:
        """Return a copy of the updates as one matrix [k, d]."""
        return np.stack([flatten(delta) for delta in self._deltas])


def _flat(array: np.ndarray) -> Flat:
    return np.ascontiguousarray(array, np.float32).reshape(-1)
