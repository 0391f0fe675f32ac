"""Tells which strategies merge by a weighted mean, so that a gate can set the weights."""

import flwr.serverapp.strategy as flower
from flwr.serverapp.strategy import Strategy

_NO_WEIGHTED_MEAN = (
    flower.Bulyan,
    flower.FedMedian,
    flower.FedTrimmedAvg,
    flower.Krum,
    flower.QFedAvg,
)


def is_weighted_mean(strategy: Strategy) -> bool:
    """Check whether a strategy is a weighted mean; it may say no by ``weighted_mean = False``."""
    return getattr(strategy, "weighted_mean", True) and not isinstance(strategy, _NO_WEIGHTED_MEAN)
