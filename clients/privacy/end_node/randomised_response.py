"""Randomised response on each label (Warner 1965; k-ary: Kairouz et al. 2014)."""

import dataclasses

import numpy as np

from clients.privacy._context import Context
from fog_flower.config import RunConfig
from fog_flower.errors import UserError
from fog_flower.privacy.accounting import check_budget, response_keep
from fog_flower.privacy.guarantee import TARGETS, Guarantee
from fog_flower.tasks.classification import Classification
from fog_flower.tasks.examples import Examples


@dataclasses.dataclass(frozen=True)
class RandomisedResponse:
    """Gives the true label with probability e^epsilon / (e^epsilon + k - 1), else any other.

    Attributes
    ----------
    epsilon : float
        The guarantee for one label. Inputs are not covered.
    """

    epsilon: float = 3.0

    def __post_init__(self) -> None:
        """Raise if ``epsilon`` gives no guarantee."""
        check_budget("protection=randomised-response", self.epsilon, 0.5)

    def __call__(self, share: Examples, context: Context) -> Examples:
        """Protect labels int64 [n].

        Raises
        ------
        UserError
            If the task is not a classification.
        """
        if not isinstance(context.task, Classification):
            raise UserError(
                "protection=randomised-response: needs the labels of a classification, and the "
                f"task is {context.task.describe()['task']}"
            )
        classes, count = context.task.classes, len(share.targets)
        rng = context.rng("randomised-response")
        kept = rng.random(count) < response_keep(self.epsilon, classes)
        others = (share.targets + rng.integers(1, classes, count)) % classes
        return Examples(share.inputs, np.where(kept, share.targets, others))

    def guarantee(self, config: RunConfig) -> Guarantee:  # noqa: ARG002  (the same in each)
        """Return the guarantee for each label of an end node."""
        return Guarantee("randomised response", self.epsilon, 0.0, part=TARGETS)
