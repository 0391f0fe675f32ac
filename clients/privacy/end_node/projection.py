"""Random projection, the paper's future work: fewer dimensions, and no guarantee."""

import dataclasses

import numpy as np

from clients.privacy._context import Context
from fog_flower.config import RunConfig
from fog_flower.errors import UserError
from fog_flower.privacy.guarantee import INPUTS, Guarantee
from fog_flower.random_subspace import random_subspace
from fog_flower.tasks.examples import Examples


@dataclasses.dataclass(frozen=True)
class Projection:
    """Projects each input onto a random subspace (Liu, Kargupta & Ryan 2006).

    With R [k, d] of orthonormal rows, x becomes R'Rx. This has the same shape as x and the same
    information as Rx. R is drawn from the run's seed, which every node knows. **It gives no
    privacy**: whoever knows R, or some pairs of x and R'Rx, can reconstruct an image, the sharper
    the larger k is. The cloud validates and tests on inputs as they are: the model must work on
    these. ``features=projection`` maps them, too.

    Attributes
    ----------
    dimensions : int
        k.
    per_node : bool
        Whether each end node has an R of its own.
    """

    dimensions: int = 384
    per_node: bool = False

    def __post_init__(self) -> None:
        """Raise if ``dimensions`` is not a positive integer."""
        if not isinstance(self.dimensions, int) or self.dimensions < 1:
            raise UserError(
                f"protection=projection: dimensions={self.dimensions!r} must be a whole number "
                "from 1 to that of an input's numbers"
            )

    def __call__(self, share: Examples, context: Context) -> Examples:
        """Project inputs float32 [n, ...].

        Raises
        ------
        UserError
            If the inputs are not float32, or have fewer than ``dimensions`` numbers.
        """
        size = int(np.prod(context.spec.shape))
        if context.spec.dtype != "float32" or self.dimensions > size:
            raise UserError(
                f"protection=projection: inputs are {context.spec}, which is not float32 with at "
                f"least dimensions={self.dimensions} numbers; use fewer dimensions or another "
                "protection"
            )
        whose = (context.fog_node + 1, context.end_node + 1) if self.per_node else (0, 0)
        rows = random_subspace(context.config.seed, whose, self.dimensions, size)
        flat = share.inputs.reshape(len(share.inputs), -1)
        return Examples(((flat @ rows.T) @ rows).reshape(share.inputs.shape), share.targets)

    def guarantee(self, config: RunConfig) -> Guarantee:  # noqa: ARG002  (the same in each)
        """Return a guarantee of nothing."""
        return Guarantee(
            f"random projection onto {self.dimensions} dimensions",
            part=INPUTS,
            uncovered=("an input can be reconstructed by whoever knows the projection",),
        )
