"""How a learning rate falls."""

import math


def cosine(done: float) -> float:
    """Return the part of the learning rate that is left when a part of the training is done.

    Loshchilov & Hutter 2017, arXiv:1608.03983, equation 5, without restarts: 1 at the beginning
    (``done`` = 0), 1/2 in the middle, 0 at the end (1).
    """
    return (1.0 + math.cos(math.pi * done)) / 2.0
