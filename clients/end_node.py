"""The IoT tier: an end node owns images, and shares a blurred portion of them."""

import dataclasses

import numpy as np
import numpy.typing as npt

from clients.shipment import pack
from fog_flower.config import PIXEL, RunConfig
from fog_flower.data.images import LabelledImages
from fog_flower.data.normalise import Normaliser
from fog_flower.seeds import generator


@dataclasses.dataclass(frozen=True)
class EndNode:
    """One end node of a fog node (paper, section 3).

    Attributes
    ----------
    fog_node, end_node : int
        Which one it is; its generators are keyed by both.
    data : LabelledImages
        What it owns; clean, and never leaves it.
    """

    fog_node: int
    end_node: int
    data: LabelledImages

    def ship(self, config: RunConfig, normaliser: Normaliser) -> bytes:
        """Select the share, normalise, add noise once, and pack (see ``clients.shipment``)."""
        count = max(1, round(config.share_fraction * len(self.data)))
        chosen = self._generator(config, "share").permutation(len(self.data))[:count]
        share = self.data.take(np.sort(chosen))
        noise = add_noise(
            normaliser(share.images),
            sigma=config.noise_sigma / (normaliser.std if config.noise_unit == PIXEL else 1.0),
            rng=self._generator(config, "noise"),
        )
        return pack(noise, share.labels)

    def _generator(self, config: RunConfig, purpose: str) -> np.random.Generator:
        return generator(config.seed, purpose, self.fog_node, self.end_node)


def add_noise(
    images: npt.NDArray[np.float32],
    sigma: float | npt.NDArray[np.float64],
    rng: np.random.Generator,
) -> npt.NDArray[np.float32]:
    """Add N(0, sigma^2) to standardised images [n, 32, 32, 3]; sigma per channel, or one.

    The paper's "1% of Gaussian noise" is sigma 0.01. This is a blur, not differential privacy.
    """
    if not np.any(sigma):
        return images
    noise = rng.standard_normal(images.shape, dtype=np.float32)
    return images + noise * np.asarray(sigma, np.float32)
