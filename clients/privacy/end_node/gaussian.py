"""The Gaussian mechanism on each input, with the noise determined by epsilon and delta."""

import dataclasses

import numpy as np

from clients.privacy._context import Context
from fog_flower.config import RunConfig
from fog_flower.errors import UserError
from fog_flower.privacy.accounting import (
    check_budget,
    check_delta,
    gaussian_epsilon,
    gaussian_noise,
)
from fog_flower.privacy.arguments import check_positive
from fog_flower.privacy.disclosure import hidden_by
from fog_flower.privacy.guarantee import INPUTS, Guarantee
from fog_flower.tasks.examples import Examples

_WHAT = "protection=gaussian"


@dataclasses.dataclass(frozen=True)
class Gaussian:
    """Clips each input to an L2 norm, and adds Gaussian noise to each of its numbers, once.

    Neighbouring data sets differ in the value of one input, so the sensitivity is twice the norm.
    The noise is the smallest that is private (analytic Gaussian mechanism, Balle & Wang 2018).
    Whole images need so much noise that nothing is left of them (epsilon 8: more than 100 times
    their contrast). The mechanism suits features of few numbers.

    Attributes
    ----------
    epsilon, delta : float
        The guarantee for one input. Targets are not covered (``randomised-response`` covers them).
    clip : float
        Largest L2 norm of an input, as a model sees it.
    """

    epsilon: float = 8.0
    delta: float = 1e-5
    clip: float = 1.0

    def __post_init__(self) -> None:
        """Raise if the arguments give no guarantee."""
        check_budget(_WHAT, self.epsilon, self.delta)
        check_positive(_WHAT, "clip", self.clip, "the length of a usual input, e.g. 1")

    def check_examples(self, config: RunConfig, num_examples: int) -> None:
        """Check delta against the number of inputs that one fog node receives.

        Each input is protected by itself, so delta is a chance for each, and whoever receives n
        inputs may expect n * delta of them to be disclosed. It must be less than one.

        Raises
        ------
        UserError
            If delta is not below 1 / ``num_examples``.
        """
        hidden = hidden_by(config.example_counts)
        units = "inputs that a fog node receives"
        check_delta(_WHAT, self.delta, num_examples, units, hidden=hidden)

    def __call__(self, share: Examples, context: Context) -> Examples:
        """Protect inputs float32 [n, ...].

        Raises
        ------
        UserError
            If the inputs are not float32.
        """
        if context.spec.dtype != "float32":
            raise UserError(
                f"{_WHAT}: inputs are {context.spec}, to which no Gaussian noise can "
                "be added; use another protection"
            )
        flat = share.inputs.reshape(len(share.inputs), -1)
        norms = np.linalg.norm(flat, axis=1, keepdims=True)
        clipped = flat * np.minimum(1.0, self.clip / np.maximum(norms, 1e-12)).astype(np.float32)
        drawn = context.rng("gaussian").standard_normal(flat.shape, dtype=np.float32)
        noised = clipped + drawn * np.float32(self._deviation)
        return Examples(noised.reshape(share.inputs.shape), share.targets)

    def guarantee(self, config: RunConfig) -> Guarantee:  # noqa: ARG002  (the same in each)
        """Return the guarantee for each input of an end node."""
        return Guarantee(
            f"Gaussian: L2 norm {self.clip:g}, sigma {self._deviation:.4g}",
            gaussian_epsilon(self._deviation / (2.0 * self.clip), self.delta),
            self.delta,
            part=INPUTS,
            uncovered=("an end node with many examples (the unit is one example)",),
        )

    @property
    def _deviation(self) -> float:
        return gaussian_noise(self.epsilon, self.delta) * 2.0 * self.clip
