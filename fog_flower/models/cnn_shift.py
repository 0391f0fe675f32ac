"""The paper's CNN on moved training images."""

import keras

from fog_flower.models._layers import shifted
from fog_flower.models.cnn import cnn
from fog_flower.tasks.examples import Spec
from fog_flower.tasks.task import Task

THREADED = 0.95  # of a step: see simulations/engines/placement.py


def cnn_shift(spec: Spec, task: Task) -> keras.Model:
    """Return the CNN; each training image is moved anew by up to 2 pixels each way."""
    return shifted(spec, "cnn-shift", cnn(spec, task))
