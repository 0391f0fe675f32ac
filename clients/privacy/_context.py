"""The context of a protection at an end node."""

import dataclasses

import numpy as np
import numpy.typing as npt

from clients.privacy._rng import protecting_rng
from fog_flower.config import RunConfig
from fog_flower.tasks.examples import Spec
from fog_flower.tasks.task import Task


@dataclasses.dataclass(frozen=True)
class Context:
    """What a protection at an end node may know.

    Attributes
    ----------
    config : RunConfig
    fog_node, end_node : int
        Numbers of the end node and of its fog node.
    spec : Spec
        Shape and dtype of one input.
    task : Task
    deviation : float64 [...]
        The size of one unit of a standardised input in stored units, of which the largest is 1.
    """

    config: RunConfig
    fog_node: int
    end_node: int
    spec: Spec
    task: Task
    deviation: npt.NDArray[np.float64]

    def rng(self, purpose: str) -> np.random.Generator:
        """Return the generator for a purpose, such as ``noise``; see ``protecting_rng``."""
        return protecting_rng(self.config, purpose, self.fog_node, self.end_node)
