"""The threads of NumPy and SciPy, which wait for each other where others use the cores."""

from contextlib import AbstractContextManager
from typing import Any

import scipy.linalg  # noqa: F401  (the controller knows what is loaded before it)
from threadpoolctl import ThreadpoolController

_BLAS = ThreadpoolController()


def one_blas_thread() -> AbstractContextManager[Any]:
    """Give sums over vectors one thread: they wait for memory, and on busy cores for each other."""
    limits: AbstractContextManager[Any] = _BLAS.limit(limits=1, user_api="blas")
    return limits
