"""A fog node's images for TensorFlow, without the two copies that it makes of every array."""

from typing import Any

import numpy.typing as npt
import tensorflow as tf

ALIGNMENT = 64  # bytes; TensorFlow's kernels read whole vectors


def shared_tensor(array: npt.NDArray[Any]) -> tf.Tensor:
    """Return a tensor on the memory of ``array``, which must not be written to from then on.

    What TensorFlow cannot read in place (unaligned, not contiguous, read-only) is copied.
    """
    flags = array.flags
    if flags.c_contiguous and flags.writeable and array.ctypes.data % ALIGNMENT == 0:
        return tf.experimental.dlpack.from_dlpack(array.__dlpack__())
    return tf.constant(array)
