"""The learning rate of each round."""

import math

from fog_flower.config import COSINE, RunConfig


def learning_rate_of(config: RunConfig, server_round: int) -> float:
    """Return the step size of SGD in a round, from 1 to ``rounds``.

    ``constant`` (the paper) is ``learning-rate`` in all rounds. ``cosine`` (Loshchilov & Hutter
    2017, arXiv:1608.03983, equation 5, without restarts) begins with it and falls along half a
    cosine; after the last round it would be 0.
    """
    if config.learning_rate_schedule != COSINE:
        return config.learning_rate
    return config.learning_rate * (1 + math.cos(math.pi * (server_round - 1) / config.rounds)) / 2
