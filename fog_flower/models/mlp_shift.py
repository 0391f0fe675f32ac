"""The paper's MLP with shifted training images."""

import keras

from fog_flower.models._layers import shifted
from fog_flower.models.mlp import mlp
from fog_flower.tasks.examples import Spec
from fog_flower.tasks.task import Task

THREADED = 0.5  # multithreaded part of a step, see simulations/engines/placement.py


def mlp_shift(spec: Spec, task: Task) -> keras.Model:
    """Build the MLP; training images are shifted at random by up to 2 pixels each way."""
    return shifted(spec, "mlp-shift", mlp(spec, task))
