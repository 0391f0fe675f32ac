"""Passes NumPy arrays to TensorFlow without the two copies that it makes of every array."""

from typing import Any

import numpy.typing as npt
import tensorflow as tf

ALIGNMENT = 64  # bytes; TensorFlow's kernels read whole vectors


def shared_tensor(array: npt.NDArray[Any]) -> tf.Tensor:
    """Return a tensor that shares the memory of ``array``, which must not be written to any more.

    Arrays that TensorFlow cannot share (unaligned, not contiguous, read-only) are copied.
    """
    flags = array.flags
    if flags.c_contiguous and flags.writeable and array.ctypes.data % ALIGNMENT == 0:
        return tf.experimental.dlpack.from_dlpack(array.__dlpack__())
    return tf.constant(array)
