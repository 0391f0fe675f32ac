"""The paper's CNN."""

import keras

from fog_flower.models._layers import convolutional
from fog_flower.tasks.examples import Spec
from fog_flower.tasks.task import Task

THREADED = 0.95  # of a step: see simulations/engines/placement.py


def cnn(spec: Spec, task: Task) -> keras.Model:
    """Three 3x3 valid convolutions (256, 128, 64), each with ReLU and a 2x2 pool: 378,570."""
    return convolutional(spec, task, "cnn", 256, 128, 64)
