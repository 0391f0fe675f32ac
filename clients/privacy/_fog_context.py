"""The context of a protection of dW at a fog node."""

import dataclasses

import numpy as np

from clients.privacy._rng import protecting_rng
from fog_flower.config import RunConfig


@dataclasses.dataclass(frozen=True)
class FogContext:
    """What a protection of dW may know.

    Attributes
    ----------
    config : RunConfig
    fog_node, server_round : int
    num_examples : int
        Number of examples on which dW was trained.
    """

    config: RunConfig
    fog_node: int
    server_round: int
    num_examples: int

    def rng(self, purpose: str) -> np.random.Generator:
        """Return the generator for a purpose; see ``protecting_rng``."""
        return protecting_rng(self.config, purpose, self.fog_node, self.server_round)
