"""Searches how far from the mean an update may lie without standing out among honest ones."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from fog_flower.weights import Weights, flatten, squared_distances, unflatten

Matrix = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]
STEPS = 30  # bisection steps, for 9 digits


def furthest(
    honest: Sequence[Weights],
    allowed: Callable[[Matrix], float],
    measure: Callable[[Vector], float],
) -> Weights:
    """Return mean - gamma * standard deviation of honest updates, with the largest allowed gamma.

    Shejwalkar & Houmansadr 2021 (NDSS), section IV, with the perturbation "inverse standard
    deviation".

    Parameters
    ----------
    honest : sequence of Weights
    allowed : callable
        Takes the squared distances between honest updates [k, k], returns the limit.
    measure : callable
        Takes a candidate's squared distances to them [k], returns what must be within the limit.
    """
    rows = np.stack([flatten(update) for update in honest]).astype(np.float64)
    centre, spread = rows.mean(axis=0), -rows.std(axis=0)
    # |centre + gamma * spread - row|^2 as a polynomial in gamma.
    apart = centre - rows
    squares, cross, length = np.square(apart).sum(axis=1), apart @ spread, float(spread @ spread)
    limit = allowed(squared_distances(rows))

    def inside(gamma: float) -> bool:
        return measure(squares + 2.0 * gamma * cross + gamma**2 * length) <= limit

    low, high = 0.0, 1.0
    while inside(high) and high < 1e6:
        low, high = high, 2 * high
    for _ in range(STEPS):
        middle = (low + high) / 2
        low, high = (middle, high) if inside(middle) else (low, middle)
    return unflatten((centre + low * spread).astype(np.float32), honest[0])
