"""DP-SGD (Abadi et al. 2016, doi:10.1145/2976749.2978318) on Poisson samples."""

import dataclasses
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from fog_flower.config import RunConfig
from fog_flower.errors import UserError
from fog_flower.privacy.accounting import (
    check_accountant,
    check_budget,
    check_delta,
    check_reachable,
    subsampled_epsilon,
    subsampled_noise,
)
from fog_flower.privacy.arguments import check_clip_and_noise
from fog_flower.privacy.disclosure import hidden_by
from fog_flower.privacy.guarantee import Guarantee

_WHAT = "fog-protection=dp-sgd"


@dataclasses.dataclass(frozen=True)
class DpSgd:
    """Clips each example's gradient and adds Gaussian noise to their sum, in every step.

    A step's batch is a Poisson sample: each example is in it with probability ``batch-size`` / n,
    at most 1, for a node with n examples. The sum is divided by the expected number of examples,
    ``batch-size`` or n if that is smaller. The noise is computed for the whole run, all rounds and
    local epochs, with privacy loss distributions. Loss and accuracy of training are not sent.

    Attributes
    ----------
    epsilon, delta : float
        The guarantee of the whole run; neighbouring data sets differ by one example of the node.
    clip : float
        Largest L2 norm of an example's gradient. ``1e999`` does not clip, and needs ``noise=0``.
    noise : float
        Standard deviation in units of ``clip``, in place of the one that follows from epsilon. 0
        guarantees nothing; a negative value uses epsilon.
    """

    exclusive: ClassVar[tuple[str, ...]] = ("epsilon", "noise")

    epsilon: float = 8.0
    delta: float = 1e-5
    clip: float = 1.0
    noise: float = -1.0

    def __post_init__(self) -> None:
        """Raise if the arguments give no guarantee, unless ``noise=0`` asks for that."""
        check_budget(_WHAT, self.epsilon, self.delta)
        check_clip_and_noise(_WHAT, self.clip, self.noise, "0.1 to 2 is usual")

    def check(self, config: RunConfig) -> None:
        """Check the rest of the configuration.

        Raises
        ------
        UserError
            If ``clip-norm`` is set, which would clip the gradient of the batch once more, if it
            would tell a number of examples that is hidden, or if the library that accounts for it
            is missing or too old.
        """
        if self.noise != 0.0:
            check_accountant(_WHAT)
        if self.noise > 0.0 and (hidden := hidden_by(config.example_counts)):
            raise UserError(
                f"{_WHAT}: the epsilon of noise={self.noise:g} follows from a node's number of "
                f"examples, which {hidden} hides, so the ledger "
                "would tell it; give epsilon=..., and no noise"
            )
        if config.clip_norm:
            raise UserError(
                f"clip-norm={config.clip_norm:g} bounds the gradient of a batch, but "
                "fog-protection=dp-sgd that of each example; use its clip=..., and clip-norm=0"
            )

    def check_examples(self, config: RunConfig, num_examples: int) -> None:
        """Check that some noise keeps epsilon for a node with so many examples.

        Raises
        ------
        UserError
            If none does, in all rounds and local epochs, or if delta is not below
            1 / ``num_examples``. Without noise nothing is promised, and any delta will do.
        """
        if self.noise != 0.0:
            hidden = hidden_by(config.example_counts)
            units = "examples of a fog node"
            check_delta(_WHAT, self.delta, num_examples, units, hidden=hidden)
        if self.noise < 0.0:
            rate, rounds = self.rate(config, num_examples), config.num_server_rounds
            steps = self._all_steps(config, num_examples, rounds)
            check_reachable(_WHAT, self.epsilon, rate, steps, self.delta)

    def rate(self, config: RunConfig, num_examples: int) -> float:
        """Return the probability of each example to be in a step's batch."""
        return min(1.0, config.batch_size / num_examples)

    def steps(self, config: RunConfig, num_examples: int) -> int:
        """Return the number of steps of an epoch."""
        return max(1, round(num_examples / config.batch_size))

    def batches(
        self, config: RunConfig, num_examples: int, rng: np.random.Generator
    ) -> list[npt.NDArray[np.int64]]:
        """Return the indices int64 [k] of the examples in each batch of an epoch."""
        rate, steps = self.rate(config, num_examples), self.steps(config, num_examples)
        return poisson_batches(num_examples, rate, steps, rng)

    def noise_for(self, config: RunConfig, num_examples: int) -> float:
        """Return the standard deviation of a step's noise, in units of ``clip``.

        Raises
        ------
        UserError
            See ``check_examples``.
        """
        if self.noise >= 0.0:
            return self.noise
        self.check_examples(config, num_examples)
        return subsampled_noise(
            self.epsilon,
            self.rate(config, num_examples),
            self._all_steps(config, num_examples, config.num_server_rounds),
            self.delta,
        )

    def guarantee(self, config: RunConfig, num_examples: int, rounds: int) -> Guarantee:
        """Return the guarantee for each example of a node after ``rounds`` rounds."""
        noise = self.noise_for(config, num_examples)
        rate = self.rate(config, num_examples)
        steps = self._all_steps(config, num_examples, rounds)
        return Guarantee(
            f"DP-SGD: {steps} steps, Poisson rate {rate:.4g}, noise {noise:.4g} x clip "
            f"{self.clip:g}",
            subsampled_epsilon(noise, rate, steps, self.delta),
            self.delta,
            relation="add or remove",
            uncovered=(
                "the node's number of examples",
                "an end node with many examples (the unit is one example)",
            ),
        )

    def _all_steps(self, config: RunConfig, num_examples: int, rounds: int) -> int:
        return self.steps(config, num_examples) * config.local_epochs * rounds


def poisson_batches(
    count: int, rate: float, steps: int, rng: np.random.Generator
) -> list[npt.NDArray[np.int64]]:
    """Return the indices in each batch; every example is in it with probability ``rate``."""
    return [np.flatnonzero(rng.random(count) < rate) for _ in range(steps)]
