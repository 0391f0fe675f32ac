"""How far from the mean an update may lie before it stands out among honest ones."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from fog_flower.weights import Weights, flatten, squared_distances, unflatten

Matrix = npt.NDArray[np.float64]
Vector = npt.NDArray[np.float64]
STEPS = 30  # of the bisection: to 9 digits


def furthest(
    honest: Sequence[Weights],
    allowed: Callable[[Matrix], float],
    measure: Callable[[Vector], float],
) -> Weights:
    """Return mean - gamma * standard deviation of honest updates with the largest gamma.

    Shejwalkar & Houmansadr 2021 (NDSS), section IV, with the perturbation "inverse standard
    deviation".

    Parameters
    ----------
    honest : sequence of Weights
    allowed : callable
        From the squared distances between honest updates [k, k] to what is still inside.
    measure : callable
        From a candidate's squared distances to them [k] to what must be inside.
    """
    rows = np.stack([flatten(update) for update in honest]).astype(np.float64)
    centre, spread = rows.mean(axis=0), -rows.std(axis=0)
    # |centre + gamma * spread - row|^2, of which only gamma changes.
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
