"""The paper's noise, which blurs inputs and gives no differential privacy."""

import numpy as np

from clients.privacy._context import Context
from fog_flower.config import NONE, PIXEL, RunConfig
from fog_flower.errors import UserError
from fog_flower.privacy.guarantee import INPUTS, Guarantee
from fog_flower.tasks.examples import Examples


class Noise:
    """Adds N(0, sigma^2) to inputs, once.

    The paper's "1% of Gaussian noise" is ``noise-sigma=0.01`` on standardised inputs. With
    ``noise-unit=pixel``, sigma is in stored units, of which the largest is 1. Sigma 0 is neutral.
    """

    def guarantee(self, config: RunConfig) -> Guarantee:
        """Return a guarantee of nothing."""
        return Guarantee(
            f"the paper's noise, sigma {config.noise_sigma:g} (noise-unit={config.noise_unit}): "
            "a blur",
            part=INPUTS,
            uncovered=("it hides no input from anybody",),
        )

    def __call__(self, share: Examples, context: Context) -> Examples:
        """Return noisy inputs float32 [n, ...].

        Raises
        ------
        UserError
            If the inputs are not float32, or ``noise-unit=pixel`` and they are features.
        """
        config = context.config
        if config.noise_sigma == 0.0:
            return share
        if context.spec.dtype != "float32":
            raise UserError(
                f"protection=noise with noise-sigma={config.noise_sigma}: inputs are "
                f"{context.spec}, to which no Gaussian noise can be added; use noise-sigma=0 or "
                "another protection; if the numbers are quantities, set "
                "dataset-args=\"kind='rows'\""
            )
        in_pixels = config.noise_unit == PIXEL
        if in_pixels and config.features != NONE:
            raise UserError(
                f"noise-unit={PIXEL!r}: end nodes ship features={config.features!r}, which are no "
                "pixels; use noise-unit=standardised (noise-sigma is in units of the features "
                "then), or protection="
            )
        sigma = config.noise_sigma / (context.deviation if in_pixels else 1.0)
        drawn = context.rng("noise").standard_normal(share.inputs.shape, dtype=np.float32)
        return Examples(share.inputs + drawn * np.asarray(sigma, np.float32), share.targets)
