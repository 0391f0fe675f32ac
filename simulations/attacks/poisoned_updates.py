"""Update poisoning: from honest updates to a malicious one. NumPy in, NumPy out."""

from collections.abc import Sequence
from statistics import NormalDist

import numpy as np

from fog_flower.weights import Weights


def scaled(delta: Weights, factor: float) -> Weights:
    """Return factor * dW, in dW's dtypes."""
    return [(array * factor).astype(array.dtype) for array in delta]


def constant(delta: Weights, value: float) -> Weights:
    """Return an update of which every number is ``value``."""
    return [np.full_like(array, value) for array in delta]


def gaussian(delta: Weights, strength: float, rng: np.random.Generator) -> Weights:
    """Return noise instead of dW: N(0, s^2) with s = strength * root mean square of dW.

    The Gaussian attack of Blanchard et al. 2017 (Krum), but measured by the honest update, so that
    its strength means the same in every model and round.
    """
    size = sum(array.size for array in delta)
    squares = sum(float(np.square(array, dtype=np.float64).sum()) for array in delta)
    deviation = strength * (squares / size) ** 0.5
    return [rng.normal(0.0, deviation, array.shape).astype(array.dtype) for array in delta]


def inner_product(honest: Sequence[Weights], strength: float) -> Weights:
    """Return -strength * mean of honest updates (Xie et al. 2020, arXiv:1903.03936)."""
    return scaled(_mean(honest), -strength)


def a_little_is_enough(honest: Sequence[Weights], z: float) -> Weights:
    """Return mean - z * standard deviation of honest updates, each number by itself.

    Baruch et al. 2019, arXiv:1902.06156. The colluders estimate both from their own updates.
    """
    centre = _mean(honest)
    spread = [np.std([update[i] for update in honest], axis=0) for i in range(len(centre))]
    return [(c - z * s).astype(c.dtype) for c, s in zip(centre, spread, strict=True)]


def little_enough(fog_nodes: int, malicious: int) -> float:
    """Return ALIE's z_max: how far a value may lie off before too few honest ones lie further.

    z = Phi^-1((n - m - s) / (n - m)) with s = floor(n / 2 + 1) - m supporters needed. Where the
    malicious are the majority no supporter is needed and no z is too large; the paper's formula
    then says nothing, and 1.5, about what its experiments use, is taken.
    """
    honest, supporters = fog_nodes - malicious, fog_nodes // 2 + 1 - malicious
    if supporters <= 0 or honest <= supporters:
        return 1.5
    return max(NormalDist().inv_cdf((honest - supporters) / honest), 0.0)


def _mean(updates: Sequence[Weights]) -> Weights:
    return [
        np.mean([update[i] for update in updates], axis=0).astype(updates[0][i].dtype)
        for i in range(len(updates[0]))
    ]
