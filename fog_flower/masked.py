"""Masked sums (``mask-groups``): what cloud and fog nodes must agree on, names and numbers.

A number of dW, times the node's share of its group's examples, is sent in fixed point, modulo 2^32;
in this ring masks that are added and taken away leave nothing behind.
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
GROUP_EXAMPLES = "group-examples"  # of all its nodes together
REHEARSAL = "rehearsal"  # bool, in place of keys: train, but send no dW

# A mean over g nodes is off by at most g / 2^25 (3e-8 times g), and no number of a group's mean
# may be beyond +-128: dW of a round is below 1.
FRACTION_BITS = 24
_UNIT = float(2**FRACTION_BITS)
_LARGEST = 2**31 - 1

Ring = npt.NDArray[np.uint32]


def encode(delta: Sequence[np.ndarray], share: float, members: int) -> tuple[list[Ring], int]:
    """Return ``share`` * dW in fixed point, and how many numbers had to be cut off.

    Parameters
    ----------
    delta : sequence of float32 arrays
        dW.
    share : float
        Of the node's examples in its group's, 1 at most if nobody lies.
    members : int
        Of the group: each may use that part of the range, so that the sum cannot wrap around.

    Raises
    ------
    ValueError
        If dW is not float32, or not finite: there is no such number in fixed point.
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
    """Return the sum of encoded arrays, times ``scale``, as float32."""
    return [
        (array.view(np.int32).astype(np.float64) * (scale / _UNIT)).astype(np.float32)
        for array in total
    ]


def check_weights(weights: Sequence[np.ndarray], size: int) -> None:
    """Refuse a model that cannot be masked.

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
