"""Random generators keyed by purpose; global ones are only seeded for code that is not ours."""

import hashlib
import random

import numpy as np


def seed_for(seed: int, purpose: str, *ids: int) -> int:
    """Return a 63-bit seed that depends on the run's seed, a purpose and ids alone.

    Two purposes never share a stream. So drawing more noise, for example, does not change the
    shuffles, and runs of one seed stay paired whatever their configuration.
    """
    key = f"{seed}/{purpose}/{'/'.join(map(str, ids))}".encode()
    return int.from_bytes(hashlib.sha256(key).digest()[:8], "big") >> 1


def generator(seed: int, purpose: str, *ids: int) -> np.random.Generator:
    """Return NumPy's default generator for one purpose, e.g. ``(seed, "noise", fog, end_node)``."""
    return np.random.default_rng(seed_for(seed, purpose, *ids))


def seed_global_generators(seed: int, purpose: str, *ids: int) -> None:
    """Seed the global generators of Python and NumPy, which strategies of Flower and users use.

    Call it right before they draw: the thread of Flower's heartbeat draws from Python's, too.
    """
    number = seed_for(seed, purpose, *ids)
    random.seed(number)
    np.random.seed(number % 2**32)  # noqa: NPY002
