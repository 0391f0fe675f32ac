"""Masked sums (``mask-groups``): the names and number format that cloud and fog nodes share.

Each number of dW, times the node's share of its group's examples, is sent in fixed point, modulo
2^32. In this ring, masks that are added and subtracted cancel exactly.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from fog_flower.errors import UserError
from fog_flower.weights import Weights

KEY_QUESTION = "query.mask_key"  # message type: asks a fog node for a public key
MASKS = "masks"  # ConfigRecord: a fog node's key, and in a train message those of its group
PUBLIC_KEY = "public-key"  # bytes
GROUP_KEYS = "group-keys"  # list of bytes
GROUP_EXAMPLES = "group-examples"  # examples of all nodes of the group together
REHEARSAL = "rehearsal"  # bool, in place of keys: train, but send no dW

# The error of a mean over g nodes is at most g / 2^25 (3e-8 times g). No number of a group's mean
# may be outside of +-128; the numbers of a round's dW are below 1.
FRACTION_BITS = 24
_UNIT = float(2**FRACTION_BITS)
_LARGEST = 2**31 - 1

Ring = npt.NDArray[np.uint32]


def encode(delta: Sequence[np.ndarray], share: float, members: int) -> tuple[list[Ring], int]:
    """Return ``share`` * dW in fixed point, and how many numbers were clipped.

    Parameters
    ----------
    delta : sequence of float32 arrays
        dW.
    share : float
        The node's share of its group's examples; at most 1 if nobody lies.
    members : int
        Of the group. Each may use 1 / ``members`` of the range, so that the sum cannot wrap around.

    Raises
    ------
    ValueError
        If dW is not float32 or not finite.
    """
    limit, cut, encoded = _LARGEST // members, 0, []
    for position, array in enumerate(delta):
        if array.dtype != np.float32:
            raise ValueError(f"array {position} of dW is {array.dtype}, and cannot be masked")
        if not np.isfinite(array).all():
            raise ValueError("dW is not finite, and cannot be masked")
        units = np.rint(array.astype(np.float64) * (share * _UNIT))
        cut += int((np.abs(units) > limit).sum())
        encoded.append(np.clip(units, -limit, limit).astype(np.int64).astype(np.uint32))
    return encoded, cut


def decode(total: Sequence[Ring], scale: float) -> Weights:
    """Decode a sum of encoded arrays, times ``scale``, to float32."""
    return [
        (array.view(np.int32).astype(np.float64) * (scale / _UNIT)).astype(np.float32)
        for array in total
    ]


def check_weights(weights: Sequence[np.ndarray], size: int) -> None:
    """Check that a model's weights can be masked.

    Raises
    ------
    UserError
        If a weight is not float32.
    """
    odd = sorted({str(array.dtype) for array in weights if array.dtype != np.float32})
    if odd:
        raise UserError(
            f"mask-groups={size}: the model has weights of {', '.join(odd)}, and only float32 can "
            "be masked; use another model, or mask-groups=0"
        )
