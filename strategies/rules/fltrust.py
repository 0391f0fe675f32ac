"""FLTrust: a strategy with data in the cloud, as a comparison to validated merging."""

import numpy as np

from fog_flower.tasks.scores import ReferenceTrainer
from fog_flower.weights import Weights, flatten
from strategies.rules._rows import Matrix, RowsRule
from strategies.updates import OwnUpdates


class FLTrust(RowsRule):
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

    def step(self, rows: Matrix, num_examples: Matrix) -> Matrix:  # noqa: ARG002
        """Return the step to add to W [d]: zeros if no update has a positive cosine.

        Raises
        ------
        ValueError
            If no trainer is set.
        """
        own = flatten(self._own(self.server_round)).astype(np.float64)
        length, lengths = np.linalg.norm(own), np.linalg.norm(rows, axis=1)
        with np.errstate(divide="ignore", invalid="ignore"):
            trust = rows @ own / (lengths * length)
        trust = np.where(np.isfinite(trust), np.maximum(trust, 0.0), 0.0)
        trusted = trust > 0.0
        if not trusted.any():
            return np.zeros_like(own)
        shares = trust[trusted] / trust.sum() * length / lengths[trusted]
        merged: Matrix = shares @ rows[trusted]
        return merged

    def _own(self, server_round: int) -> Weights:
        if self.cloud_trainer is not None:
            return self.cloud_trainer.update(self._weights, server_round).delta
        if self.reference_trainer is None:
            raise ValueError("FLTrust needs a trainer: set `cloud_trainer` or `reference_trainer`")
        return self.reference_trainer.directions(self._weights, server_round).overall
