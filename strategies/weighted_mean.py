"""Which strategies merge by a weighted mean, so that weights given from outside are heeded."""

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
    """Tell whether scaled updates make a scaled merge; a class says no by ``weighted_mean``."""
    return getattr(strategy, "weighted_mean", True) and not isinstance(strategy, _NO_WEIGHTED_MEAN)
