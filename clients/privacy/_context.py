"""What a protection may know."""

import dataclasses

import numpy as np
import numpy.typing as npt

from fog_flower.config import ENTROPY, RunConfig
from fog_flower.seeds import generator
from fog_flower.tasks.examples import Spec
from fog_flower.tasks.task import Task


@dataclasses.dataclass(frozen=True)
class Context:
    """What a protection may know.

    Attributes
    ----------
    config : RunConfig
    fog_node, end_node : int
        Which end node this is.
    spec : Spec
        Of the inputs.
    task : Task
    deviation : float64 [...]
        What one unit of a standardised input is in stored units, of which the largest is 1.
    """

    config: RunConfig
    fog_node: int
    end_node: int
    spec: Spec
    task: Task
    deviation: npt.NDArray[np.float64]

    def rng(self, purpose: str) -> np.random.Generator:
        """Return the generator of one purpose, e.g. ``noise``.

        With ``noise-source=seeded`` it is keyed by run and end node, so that a simulation can be
        repeated, and whoever knows the seed can take the noise away again; with ``entropy`` it
        comes from the operating system, another one at every call.
        """
        if self.config.noise_source == ENTROPY:
            return np.random.default_rng()
        return generator(self.config.seed, purpose, self.fog_node, self.end_node)
