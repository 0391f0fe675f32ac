"""Base classes of strategies that need W, or the updates as rows of a matrix."""

from abc import ABC, abstractmethod
from collections.abc import Iterable

import numpy as np
import numpy.typing as npt
from flwr.app import ArrayRecord, ConfigRecord, Message, MetricRecord
from flwr.serverapp import Grid
from flwr.serverapp.strategy import FedAvg

from fog_flower.messages import NUM_EXAMPLES
from fog_flower.weights import Weights, flatten, from_record, to_record, unflatten

Matrix = npt.NDArray[np.float64]


class KnowsW(FedAvg):
    """FedAvg that remembers W, so that updates can be computed from the weights it gets."""

    weighted_mean = False  # a gate's weights do not apply, and merge=sum is refused
    _weights: Weights

    def configure_train(
        self, server_round: int, arrays: ArrayRecord, config: ConfigRecord, grid: Grid
    ) -> Iterable[Message]:
        """Remember W."""
        self._weights = from_record(arrays)
        return super().configure_train(server_round, arrays, config, grid)


class RowsRule(KnowsW, ABC):
    """A strategy that merges updates as rows of a matrix, and samples clients as FedAvg does.

    Attributes
    ----------
    server_round : int
        The round whose updates are merged.
    num_malicious_nodes : int
        Of which the rule is told; 0 for those that need not know it.
    """

    server_round = 0
    num_malicious_nodes = 0

    @property
    def least_updates(self) -> int:
        """The smallest number of updates with an honest majority."""
        return 2 * self.num_malicious_nodes + 1

    @abstractmethod
    def step(self, rows: Matrix, num_examples: Matrix) -> Matrix:
        """Return the step to add to W [d], given dW [k, d] and numbers of examples [k]."""

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Merge the updates; the replies hold weights, as for every Flower strategy."""
        replies = list(replies)
        self.server_round = server_round
        _, metrics = super().aggregate_train(server_round, replies)
        start = flatten(self._weights).astype(np.float64)
        records = [next(iter(reply.content.array_records.values())) for reply in replies]
        rows = np.stack([flatten(from_record(record)) - start for record in records])
        counts = np.array([_examples(reply) for reply in replies], np.float64)
        merged = (start + self.step(rows, counts)).astype(np.float32)
        return to_record(unflatten(merged, self._weights)), metrics


def _examples(reply: Message) -> float:
    record = next(iter(reply.content.metric_records.values()))
    return float(record[NUM_EXAMPLES])  # type: ignore[arg-type]
