"""The paper's MLP with normalisation and shifted training images; not a setting of the paper."""

import keras

from fog_flower.models._layers import dense, shifted
from fog_flower.tasks.examples import Spec
from fog_flower.tasks.task import Task

THREADED = 0.5  # multithreaded part of a step, see simulations/engines/placement.py


def mlp_norm_shift(spec: Spec, task: Task) -> keras.Model:
    """Build the MLP with layer normalisation; training images are shifted by up to 2 pixels."""
    normalised = dense(spec, task, "mlp-norm-shift", 1024, 256, 128, normalised=True)
    return shifted(spec, "mlp-norm-shift", normalised)
