"""The paper's MLP on moved training images."""

import keras

from fog_flower.models._layers import shifted
from fog_flower.models.mlp import mlp
from fog_flower.tasks.examples import Spec
from fog_flower.tasks.task import Task

THREADED = 0.5  # of a step: see simulations/engines/placement.py


def mlp_shift(spec: Spec, task: Task) -> keras.Model:
    """Return the MLP; each training image is moved anew by up to 2 pixels each way."""
    return shifted(spec, "mlp-shift", mlp(spec, task))
