"""FLTrust: a strategy with data in the cloud, as a comparison to validated merging."""

from collections.abc import Iterable

import numpy as np
from flwr.app import ArrayRecord, Message, MetricRecord

from fog_flower.tasks.scores import ReferenceTrainer
from fog_flower.weights import Weights, flatten, from_record, to_record, unflatten
from strategies.rules._rows import KnowsW
from strategies.updates import OwnUpdates


class FLTrust(KnowsW):
    r"""Weights updates by their cosine with the cloud's own, and scales them to its length.

    Cao et al. 2021, arXiv:2012.13995, algorithm 2 with global learning rate 1. With the cloud's
    update $g_0$, trained from W on a small clean set, and the clients' $g_i$:
    $W + \sum_i \mathrm{ReLU}(\cos(g_i, g_0)) \, (|g_0| / |g_i|) \, g_i / \sum_i
    \mathrm{ReLU}(\cos(g_i, g_0))$. If no update has a positive cosine, W is kept.

    The clean set consists of the cloud's own examples (``cloud-examples``), on which it trains with
    the clients' batch size and epochs. Without them, validation examples are used
    (``reference-examples``).

    Attributes
    ----------
    cloud_trainer : OwnUpdates or None
    reference_trainer : ReferenceTrainer or None
        ``strategies.build`` sets both before the first round, as for any strategy that has them.
    """

    cloud_trainer: OwnUpdates | None = None
    reference_trainer: ReferenceTrainer | None = None

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Merge the updates; the replies hold weights, as for every Flower strategy.

        Raises
        ------
        ValueError
            If no trainer is set.
        """
        replies = list(replies)
        start = flatten(self._weights)
        own = flatten(self._own(server_round))
        updates = [
            flatten(from_record(next(iter(reply.content.array_records.values())))) - start
            for reply in replies
        ]
        _, metrics = super().aggregate_train(server_round, replies)
        lengths = np.array([np.linalg.norm(update) for update in updates])
        length = float(np.linalg.norm(own))
        with np.errstate(divide="ignore", invalid="ignore"):
            trust = np.array([update @ own for update in updates]) / (lengths * length)
        trust = np.where(np.isfinite(trust), np.maximum(trust, 0.0), 0.0)
        if not trust.sum() > 0.0:
            return None, metrics
        merged = start.copy()
        for update, share, own_length in zip(updates, trust / trust.sum(), lengths, strict=True):
            if share > 0.0:
                merged += np.float32(share * length / own_length) * update
        return to_record(unflatten(merged, self._weights)), metrics

    def _own(self, server_round: int) -> Weights:
        if self.cloud_trainer is not None:
            return self.cloud_trainer.update(self._weights, server_round).delta
        if self.reference_trainer is None:
            raise ValueError("FLTrust needs a trainer: set `cloud_trainer` or `reference_trainer`")
        return self.reference_trainer.directions(self._weights, server_round).overall
