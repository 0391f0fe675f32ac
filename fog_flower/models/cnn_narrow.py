"""The paper's CNN with a quarter of its filters."""

import keras

from fog_flower.models._layers import convolutional
from fog_flower.tasks.examples import Spec
from fog_flower.tasks.task import Task

THREADED = 0.95  # multithreaded part of a step, see simulations/engines/placement.py


def cnn_narrow(spec: Spec, task: Task) -> keras.Model:
    """Build a CNN with 25,530 parameters on SVHN, for reduced scale; it is not the paper's."""
    return convolutional(spec, task, "cnn-narrow", 64, 32, 16)
