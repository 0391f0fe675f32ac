"""The paper's CNN with shifted training images."""

import keras

from fog_flower.models._layers import shifted
from fog_flower.models.cnn import cnn
from fog_flower.tasks.examples import Spec
from fog_flower.tasks.task import Task

THREADED = 0.95  # multithreaded part of a step, see simulations/engines/placement.py


def cnn_shift(spec: Spec, task: Task) -> keras.Model:
    """Build the CNN; training images are shifted at random by up to 2 pixels each way."""
    return shifted(spec, "cnn-shift", cnn(spec, task))
