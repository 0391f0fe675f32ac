"""The contract of a fog protection, which a fog node applies to its dW."""

import numpy as np

from clients.privacy._fog_context import FogContext
from clients.privacy.fog_protection import (
    fog_protections,
    private_training,
    protected,
    told_of_private,
)
from fog_flower.config import SEEDED, RunConfig
from fog_flower.data.load import load_dataset
from fog_flower.weights import Weights
from simulations.contract.finding import BrokenContractError, Checks, check_unchanged, same_arrays
from simulations.contract.made_up_model import initial_weights
from simulations.contract.replies import made_up_step


def checks(config: RunConfig) -> Checks:
    """Return the checks of the fog protections that ``config`` names, applied in order."""
    contract = _Contract(config)
    return {
        "fits the model": contract.fits,
        "returns dW of the same shapes and dtypes": contract.returns_updates,
        "does the same twice with noise-source=seeded": contract.is_repeatable,
        "does not change what it is given": contract.changes_nothing,
    }


class _Contract:
    def __init__(self, config: RunConfig) -> None:
        self._config, dataset = config, load_dataset(config)
        self._dataset = dataset
        rng = np.random.default_rng(config.seed)
        self._delta = made_up_step(initial_weights(config, dataset), rng)

    def fits(self) -> None:
        fog_protections(self._config)
        if private_training(self._config.fog_protection) is None:
            return
        from clients.privacy.fog_node._private_epoch import check_private  # noqa: PLC0415
        from fog_flower.build_model import build_untrained  # noqa: PLC0415  (TensorFlow)

        spec, task = self._dataset.spec, self._dataset.task
        model = build_untrained(self._config.model, spec, task, 0)
        check_private(told_of_private(self._config.fog_protection, self._config.model), model, spec)

    def returns_updates(self) -> None:
        found = self._protected(self._given())
        for new, old in zip(found, self._delta, strict=True):
            if not np.isfinite(new).all():
                raise BrokenContractError(
                    f"returned numbers that are not finite for an array {old.shape}"
                )

    def is_repeatable(self) -> None:
        if self._config.noise_source != SEEDED:
            return
        one, other = (self._protected(self._given()) for _ in range(2))
        if not same_arrays(one, other):
            raise BrokenContractError(
                "with noise-source=seeded it gave two different results: draw from context.rng(...)"
            )

    def changes_nothing(self) -> None:
        given = self._given()
        check_unchanged(
            given, lambda: self._protected(given), "it changed dW in place: work on a copy"
        )

    def _given(self) -> Weights:
        return [array.copy() for array in self._delta]

    def _protected(self, delta: Weights) -> Weights:
        return protected(delta, FogContext(self._config, 0, 1, len(self._dataset.train)))
