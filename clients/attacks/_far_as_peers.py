"""How far from the mean an update may lie before it stands out among honest ones."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from fog_flower.weights import Weights, flatten, unflatten

Matrix = npt.NDArray[np.float64]
STEPS = 30  # of the bisection: to 9 digits


def furthest(
    honest: Sequence[Weights], inside: Callable[[Matrix, npt.NDArray[np.float64]], bool]
) -> Weights:
    """Return mean - gamma * standard deviation of honest updates with the largest gamma.

    Shejwalkar & Houmansadr 2021 (NDSS), section IV, with the perturbation "inverse standard
    deviation".

    Parameters
    ----------
    honest : sequence of Weights
    inside : callable
        From honest updates [k, d] and a candidate [d] to whether it is still inside.
    """
    rows = np.stack([flatten(update) for update in honest]).astype(np.float64)
    centre, spread = rows.mean(axis=0), -rows.std(axis=0)
    low, high = 0.0, 1.0
    while inside(rows, centre + high * spread) and high < 1e6:
        low, high = high, 2 * high
    for _ in range(STEPS):
        middle = (low + high) / 2
        if inside(rows, centre + middle * spread):
            low = middle
        else:
            high = middle
    return unflatten((centre + low * spread).astype(np.float32), honest[0])
