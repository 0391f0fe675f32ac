"""Random subspaces, as which projections are drawn."""

import functools

import numpy as np
import numpy.typing as npt

from fog_flower.seeds import generator


@functools.lru_cache(maxsize=2)
def random_subspace(
    seed: int, numbers: tuple[int, ...], dimensions: int, size: int
) -> npt.NDArray[np.float32]:
    """Return R [dimensions, size] with orthonormal rows; the last two are kept.

    Parameters
    ----------
    seed : int
    numbers : tuple of int
        Tell apart what is drawn from the same seed.
    dimensions : int
        At most ``size``.
    size : int
    """
    rng = generator(seed, "projection", *numbers)
    columns, _ = np.linalg.qr(rng.standard_normal((size, dimensions)))
    return np.ascontiguousarray(columns.T, np.float32)
