"""Limits the threads that NumPy and SciPy use for linear algebra (BLAS)."""

from contextlib import AbstractContextManager
from typing import Any

import scipy.linalg  # noqa: F401  (the controller only finds libraries loaded before it)
from threadpoolctl import ThreadpoolController

_BLAS = ThreadpoolController()


def one_blas_thread() -> AbstractContextManager[Any]:
    """Limit BLAS to one thread inside the block.

    Sums over vectors are limited by memory, and on busy cores their threads wait for each other.
    """
    limits: AbstractContextManager[Any] = _BLAS.limit(limits=1, user_api="blas")
    return limits
