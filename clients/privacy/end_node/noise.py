"""The paper's noise: a blur, not differential privacy."""

import numpy as np

from clients.privacy._context import Context
from fog_flower.config import PIXEL
from fog_flower.errors import UserError
from fog_flower.tasks.examples import Examples


def noise(share: Examples, context: Context) -> Examples:
    """Add N(0, sigma^2) to standardised inputs float32 [n, ...], once.

    The paper's "1% of Gaussian noise" is ``noise-sigma=0.01``. In ``noise-unit=pixel`` sigma is in
    stored units, of which the largest is 1. Sigma 0 changes nothing.

    Raises
    ------
    UserError
        If the inputs are no floating-point numbers.
    """
    config = context.config
    if config.noise_sigma == 0.0:
        return share
    if context.spec.dtype != "float32":
        raise UserError(
            f"protection=noise with noise-sigma={config.noise_sigma}: inputs are {context.spec}, "
            "to which no Gaussian noise can be added; use noise-sigma=0 or another protection"
        )
    sigma = config.noise_sigma / (context.deviation if config.noise_unit == PIXEL else 1.0)
    drawn = context.rng("noise").standard_normal(share.inputs.shape, dtype=np.float32)
    return Examples(share.inputs + drawn * np.asarray(sigma, np.float32), share.targets)
