"""Quantisation to uint8: a quarter of the bytes, without privacy."""

import dataclasses
import math

from clients.privacy._context import Context
from clients.shipment import levels_of, values_of
from fog_flower.config import RunConfig
from fog_flower.errors import UserError
from fog_flower.privacy.guarantee import INPUTS, Guarantee
from fog_flower.tasks.examples import Examples


@dataclasses.dataclass(frozen=True)
class Quantise:
    """Rounds each number of an input to one of 256 levels, which are shipped as one byte each.

    **It is compression, not privacy**: an image has 256 levels anyway. It must be the last
    protection.

    Attributes
    ----------
    largest : float
        Levels lie between -``largest`` and ``largest``, in units of the model's inputs; numbers
        beyond are clipped. Standardised pixels hardly ever exceed 3.
    """

    largest: float = 3.0

    def __post_init__(self) -> None:
        """Raise if ``largest`` is not positive and finite."""
        if not 0.0 < self.largest < math.inf:
            raise UserError(
                f"protection=quantise: largest={self.largest!r} must be positive and finite; 3 "
                "holds nearly all standardised numbers"
            )

    def __call__(self, share: Examples, context: Context) -> Examples:
        """Return inputs float32 [n, ...], each of which is a level.

        Raises
        ------
        UserError
            If the inputs are not float32.
        """
        if context.spec.dtype != "float32":
            raise UserError(
                f"protection=quantise: inputs are {context.spec}, and no numbers between levels; "
                "leave it out"
            )
        levels = levels_of(share.inputs, self.largest)
        return Examples(values_of(levels, self.largest), share.targets)

    def guarantee(self, config: RunConfig) -> Guarantee:  # noqa: ARG002  (the same in each)
        """Return a guarantee of nothing."""
        return Guarantee(
            f"quantised to 256 levels within +-{self.largest:g}: compression",
            part=INPUTS,
            uncovered=("256 levels tell next to all of an input",),
        )
