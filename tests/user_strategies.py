"""A user's own strategies, named by ``module:Class``."""

import threading

from flwr.app import MetricRecord
from flwr.serverapp.strategy import FedAvg


class HalfStep(FedAvg):
    """FedAvg that only moves half of the way to the average."""

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
    """FedAvg that aggregates nothing, like Flower's strategies when they skip a round."""

    def aggregate_train(self, server_round, replies):
        return None, None


class ReturnsNone(FedAvg):
    """FedAvg whose ``aggregate_train`` returns None, by mistake."""

    def aggregate_train(self, server_round, replies):
        pass


class Backwards(FedAvg):
    """FedAvg that reverses the order of the arrays."""

    def aggregate_train(self, server_round, replies):
        arrays, metrics = super().aggregate_train(server_round, replies)
        return type(arrays)(arrays.to_numpy_ndarrays()[::-1]), metrics


class Overflows(FedAvg):
    """FedAvg that merges finite updates to NaN."""

    def aggregate_train(self, server_round, replies):
        arrays, metrics = super().aggregate_train(server_round, replies)
        return type(arrays)([a * float("nan") for a in arrays.to_numpy_ndarrays()]), metrics


not_a_strategy = dict


class Remembers(FedAvg):
    """FedAvg that moves less with each round, and keeps all its merged weights as state."""

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
    """FedAvg with state that cannot be pickled."""

    def __init__(self):
        super().__init__(fraction_evaluate=0.0)
        self.lock = threading.Lock()


class AsksItself(FedAvg):
    """FedAvg that counts rounds in its own method, which it passes to Flower as a function."""

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
