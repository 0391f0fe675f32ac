"""Central differential privacy: noise on the merge, which hides whether a fog node took part."""

from typing import Any

import numpy as np

from fog_flower.config import ENTROPY
from fog_flower.privacy.accounting import check_budget, subsampled_epsilon, subsampled_noise
from fog_flower.privacy.guarantee import Guarantee
from strategies.rules._rows import Matrix, RowsRule

WHAT, UNIT, PART = "strategy=central-dp", "fog node", "dW"


class CentralDP(RowsRule):
    """Cuts every update to a length, adds them up, and adds Gaussian noise.

    McMahan et al. 2018, arXiv:1710.06963, with the fixed denominator: the sum is divided by the
    number of fog nodes that a round asks, however many answer, and no node counts more for more
    examples. Neighbours differ by one fog node. Its cloud is trusted: it sees every dW.

    A gate that chooses among updates breaks it, because one update decides about others; so it
    promises nothing then, and ``gated=True`` says that this is wanted.

    Parameters
    ----------
    epsilon, delta : float
        Of W after all rounds.
    clip : float
        Largest L2 norm of an update.
    noise : float
        Standard deviation in units of ``clip``, in place of what epsilon asks for; 0 promises
        nothing. Negative: what epsilon asks for.
    gated : bool
        Whether it may stand behind a gate.
    num_server_rounds, min_train_nodes, noise_source
        Of the configuration, which fills them in.
    """

    bounds_single_updates = True

    def __init__(
        self,
        *,
        epsilon: float = 8.0,
        delta: float = 1e-5,
        clip: float = 1.0,
        noise: float = -1.0,
        gated: bool = False,
        num_server_rounds: int = 1,
        min_train_nodes: int = 2,
        noise_source: str = ENTROPY,
        **kwargs: Any,
    ) -> None:
        super().__init__(min_train_nodes=min_train_nodes, **kwargs)
        check_budget(WHAT, epsilon, delta)
        if not 0.0 < clip < np.inf:
            raise ValueError(f"clip={clip!r} must be positive; the length of a usual dW, e.g. 1")
        self.delta, self.clip, self.gated = delta, clip, gated
        self.noise = (
            noise if noise >= 0.0 else subsampled_noise(epsilon, 1.0, num_server_rounds, delta)
        )
        self.nodes, self.entropy = min_train_nodes, noise_source == ENTROPY

    @property
    def broken_by_a_gate(self) -> bool:
        """Whether a gate before it is refused: with one it promises nothing."""
        return not self.gated

    def step(self, rows: Matrix, num_examples: Matrix) -> Matrix:  # noqa: ARG002  (they would tell)
        """Return the noised sum, divided by how many nodes a round asks."""
        lengths = np.maximum(np.linalg.norm(rows, axis=1), 1e-30)
        total = np.minimum(1.0, self.clip / lengths) @ rows
        # Seeded, it is NumPy's global generator, of which whoever knows the run's seed knows all.
        rng = np.random.default_rng(None if self.entropy else np.random.randint(2**31))  # noqa: NPY002
        noise = rng.normal(scale=self.noise * self.clip, size=total.shape) if self.noise else 0.0
        merged: Matrix = (total + noise) / self.nodes
        return merged

    def guarantee(self, rounds: int) -> Guarantee:
        """Return what W promises each fog node after so many rounds."""
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
