"""Strategies of a user's own, as ``module:Class`` names them."""

import threading

from flwr.app import MetricRecord
from flwr.serverapp.strategy import FedAvg


class HalfStep(FedAvg):
    """Move only half of the way to the average."""

    def configure_train(self, server_round, arrays, config, grid):
        self.start_weights = arrays.to_numpy_ndarrays()
        return super().configure_train(server_round, arrays, config, grid)

    def aggregate_train(self, server_round, replies):
        arrays, metrics = super().aggregate_train(server_round, replies)
        if arrays is not None:
            middle = [
                (a + b) / 2
                for a, b in zip(self.start_weights, arrays.to_numpy_ndarrays(), strict=True)
            ]
            arrays = type(arrays)(middle)
        return arrays, metrics


class Nothing(FedAvg):
    """Aggregates nothing, as Flower's strategies do when they skip a round."""

    def aggregate_train(self, server_round, replies):
        return None, None


class ReturnsNone(FedAvg):
    """Forgets to return."""

    def aggregate_train(self, server_round, replies):
        pass


class Backwards(FedAvg):
    """Mixes up the order of the arrays."""

    def aggregate_train(self, server_round, replies):
        arrays, metrics = super().aggregate_train(server_round, replies)
        return type(arrays)(arrays.to_numpy_ndarrays()[::-1]), metrics


class Overflows(FedAvg):
    """Merges finite updates to NaN."""

    def aggregate_train(self, server_round, replies):
        arrays, metrics = super().aggregate_train(server_round, replies)
        return type(arrays)([a * float("nan") for a in arrays.to_numpy_ndarrays()]), metrics


not_a_strategy = dict


class Remembers(FedAvg):
    """Moves less with every round that it has seen, and keeps what was merged last."""

    def __init__(self):
        super().__init__(fraction_evaluate=0.0)
        self.seen = []

    def aggregate_train(self, server_round, replies):
        arrays, metrics = super().aggregate_train(server_round, replies)
        merged = arrays.to_numpy_ndarrays()
        before = self.seen[-1] if self.seen else merged
        self.seen.append(
            [a + (b - a) / (1 + len(self.seen)) for a, b in zip(before, merged, strict=True)]
        )
        return type(arrays)(self.seen[-1]), metrics


class HoldsALock(FedAvg):
    """Keeps something that cannot be pickled."""

    def __init__(self):
        super().__init__(fraction_evaluate=0.0)
        self.lock = threading.Lock()


class AsksItself(FedAvg):
    """Counts its rounds, and hands a method of its own to Flower."""

    def __init__(self):
        super().__init__(fraction_evaluate=0.0, train_metrics_aggr_fn=self.count)
        self.rounds = 0

    def count(self, _records, _weighted_by):
        self.rounds += 1
        return MetricRecord({"rounds": self.rounds})

    def aggregate_train(self, server_round, replies):
        arrays, metrics = super().aggregate_train(server_round, replies)
        assert metrics["rounds"] == self.rounds == server_round
        return arrays, metrics
