"""What a fog node's protection of dW may know."""

import dataclasses

import numpy as np

from fog_flower.config import ENTROPY, RunConfig
from fog_flower.seeds import generator


@dataclasses.dataclass(frozen=True)
class FogContext:
    """What a protection of dW may know.

    Attributes
    ----------
    config : RunConfig
    fog_node, server_round : int
    num_examples : int
        On which dW was trained.
    """

    config: RunConfig
    fog_node: int
    server_round: int
    num_examples: int

    def rng(self, purpose: str) -> np.random.Generator:
        """Return the generator of one purpose: seeded by the run, or from the system's entropy.

        See ``noise-source``.
        """
        if self.config.noise_source == ENTROPY:
            return np.random.default_rng()
        return generator(self.config.seed, purpose, self.fog_node, self.server_round)
