"""Central differential privacy: noise on the merge, which hides whether a fog node took part."""

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from flwr.app import ArrayRecord, Message, MetricRecord
from flwr.serverapp.strategy import FedAvg

from fog_flower.config import ENTROPY
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
from fog_flower.privacy.guarantee import Guarantee
from strategies.rules._rows import Matrix, RowsRule

WHAT, UNIT, PART = "strategy=central-dp", "fog node", "dW"


class CentralDP(RowsRule):
    """Clips every update, sums them, and adds Gaussian noise.

    McMahan et al. 2018, arXiv:1710.06963, with the fixed denominator: the sum is divided by
    the nodes that a round asks for, however many answer, and all nodes have the same weight.
    Neighbouring data sets differ by one fog node. The cloud must be trusted: it sees every dW.

    A gate breaks the guarantee, because its choice lets one update decide about others. Therefore a
    gate is refused, unless ``gated=True`` accepts that nothing is guaranteed.

    Parameters
    ----------
    epsilon, delta : float
        The guarantee of W after all rounds. Delta must be below 1 / (number of fog nodes).
    clip : float
        Largest L2 norm of an update. ``1e999`` needs ``noise=0``, and is FedAvg.
    noise : float
        Standard deviation in units of ``clip``, in place of the one that follows from epsilon. 0
        guarantees nothing; a negative value uses epsilon.
    gated : bool
        Whether a gate is allowed.
    num_server_rounds, min_train_nodes, num_fog_nodes, noise_source
        Filled in from the configuration.

    Raises
    ------
    UserError
        If an argument is out of range or no number, no noise keeps the guarantee, or
        ``dp-accounting`` is missing or too old.
    """

    bounds_single_updates = True
    exclusive = ("epsilon", "noise")

    def __init__(  # noqa: PLR0913  (half of them are filled in)
        self,
        *,
        epsilon: float = 8.0,
        delta: float = 1e-5,
        clip: float = 1.0,
        noise: float = -1.0,
        gated: bool = False,
        num_server_rounds: int = 1,
        min_train_nodes: int = 2,
        num_fog_nodes: int = 0,
        noise_source: str = ENTROPY,
        **kwargs: Any,
    ) -> None:
        super().__init__(min_train_nodes=min_train_nodes, **kwargs)
        check_budget(WHAT, epsilon, delta)
        check_clip_and_noise(WHAT, clip, noise, "the length of a usual dW, e.g. 1")
        if not isinstance(gated, bool):
            raise UserError(f"{WHAT}: gated={gated!r} must be True or False")
        if noise != 0.0:
            check_accountant(WHAT)
            if num_fog_nodes:
                check_delta(WHAT, delta, num_fog_nodes, "fog nodes")
        if noise < 0.0:
            check_reachable(WHAT, epsilon, 1.0, num_server_rounds, delta)
        self.delta, self.clip, self.gated = delta, clip, gated
        self.noise = (
            noise if noise >= 0.0 else subsampled_noise(epsilon, 1.0, num_server_rounds, delta)
        )
        self.entropy = noise_source == ENTROPY
        # As many as Flower samples where all are there: a number that tells of nobody.
        self.nodes = max(min_train_nodes, int(self.fraction_train * num_fog_nodes))

    @property
    def broken_by_a_gate(self) -> bool:
        """Whether a gate is refused, because it would break the guarantee."""
        return not self.gated

    def aggregate_train(
        self, server_round: int, replies: Iterable[Message]
    ) -> tuple[ArrayRecord | None, MetricRecord | None]:
        """Merge the updates; without noise and clipping as FedAvg does."""
        if math.isinf(self.clip):
            return FedAvg.aggregate_train(self, server_round, replies)
        return super().aggregate_train(server_round, replies)

    def step(self, rows: Matrix, num_examples: Matrix) -> Matrix:  # noqa: ARG002  (they would tell)
        """Return the noised sum of clipped updates, divided by how many nodes a round asks for."""
        lengths = np.linalg.norm(rows, axis=1)
        finite = np.isfinite(lengths)
        if not finite.all():  # what has no length cannot be cut: it counts as zero
            rows, lengths = np.where(finite[:, None], rows, 0.0), np.where(finite, lengths, 0.0)
        lengths = np.maximum(lengths, 1e-30)
        total = np.minimum(1.0, self.clip / lengths) @ rows
        # With noise-source=seeded, whoever knows the run's seed can reproduce the noise.
        rng = np.random.default_rng(None if self.entropy else np.random.randint(2**31))  # noqa: NPY002
        noise = rng.normal(scale=self.noise * self.clip, size=total.shape) if self.noise else 0.0
        merged: Matrix = (total + noise) / self.nodes
        return merged

    def guarantee(self, rounds: int) -> Guarantee:
        """Return the guarantee of W for each fog node after ``rounds`` rounds."""
        told = f"Gaussian noise {self.noise:.4g} x clip {self.clip:g} on the sum of dW, {rounds} x"
        uncovered = ("the cloud sees every dW", "whether a node answered in time")
        if self.gated:
            broken = "the gate's choice, in which one dW decides about others"
            return Guarantee(told, part=PART, unit=UNIT, uncovered=(broken, *uncovered))
        return Guarantee(
            told,
            subsampled_epsilon(self.noise, 1.0, rounds, self.delta),
            self.delta,
            part=PART,
            relation="add or remove",
            uncovered=uncovered,
            unit=UNIT,
        )
