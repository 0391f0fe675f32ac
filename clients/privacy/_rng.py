"""The generator of what protects somebody."""

import numpy as np

from fog_flower.config import ENTROPY, RunConfig
from fog_flower.seeds import generator


def protecting_rng(config: RunConfig, purpose: str, *place: int) -> np.random.Generator:
    """Return the generator of one purpose at one place.

    With ``noise-source=seeded`` it is keyed by run and place, so that a simulation can be repeated,
    and whoever knows the seed can take the noise away again; with ``entropy`` it comes from the
    operating system, another one at every call.
    """
    if config.noise_source == ENTROPY:
        return np.random.default_rng()
    return generator(config.seed, purpose, *place)
