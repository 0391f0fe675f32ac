"""The paper's CNN."""

import keras

from fog_flower.models._layers import convolutional
from fog_flower.tasks.examples import Spec
from fog_flower.tasks.task import Task

THREADED = 0.95  # multithreaded part of a step, see simulations/engines/placement.py


def cnn(spec: Spec, task: Task) -> keras.Model:
    """Build the paper's CNN: three 3x3 valid convolutions, 378,570 parameters on SVHN.

    The convolutions have 256, 128 and 64 filters, each with ReLU and a 2x2 pool.
    """
    return convolutional(spec, task, "cnn", 256, 128, 64)
