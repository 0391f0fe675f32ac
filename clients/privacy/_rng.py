"""The random generators of protections."""

import numpy as np

from fog_flower.config import ENTROPY, RunConfig
from fog_flower.seeds import generator


def protecting_rng(config: RunConfig, purpose: str, *place: int) -> np.random.Generator:
    """Return the generator for one purpose at one place (node, round, epoch).

    With ``noise-source=seeded`` it is keyed by the run's seed and the place. Then a simulation can
    be repeated, but whoever knows the seed can remove the noise. With ``entropy`` every call
    returns a generator freshly seeded by the operating system.
    """
    if config.noise_source == ENTROPY:
        return np.random.default_rng()
    return generator(config.seed, purpose, *place)
