"""Random projection onto fewer dimensions (Liu, Kargupta & Ryan 2006, doi:10.1109/TKDE.2006.14)."""

import numpy as np
import numpy.typing as npt

from fog_flower.errors import UserError
from fog_flower.random_subspace import random_subspace
from fog_flower.tasks.examples import Array


def projection(inputs: Array, dimensions: int = 384, seed: int = 0) -> npt.NDArray[np.float32]:
    """Return Rx of each input x, which hides little: whoever knows R can reconstruct a blurred x.

    R has orthonormal rows times sqrt(d / dimensions), so that lengths stay about the same. Unlike
    ``protection=projection``, it maps what the cloud validates and tests on, too.

    Parameters
    ----------
    inputs : float32 [n, ...]
        Of d numbers each.
    dimensions : int
        From 1 to d.
    seed : int
        Of R; public, and independent of the run's seed.

    Returns
    -------
    float32 [n, dimensions]

    Raises
    ------
    UserError
        If ``dimensions`` is out of range.
    """
    size = int(np.prod(inputs.shape[1:]))
    if not isinstance(dimensions, int) or not 1 <= dimensions <= size:
        raise UserError(
            f"features=projection: dimensions={dimensions!r} must be a whole number from 1 to "
            f"{size}, the numbers of an input"
        )
    rows = random_subspace(seed, (), dimensions, size)
    to_scale = rows.T * np.float32(np.sqrt(size / dimensions))
    projected: npt.NDArray[np.float32] = inputs.reshape(len(inputs), size) @ to_scale
    return projected
