"""The paper's CNN with normalisation and shifted training images; not a setting of the paper."""

import keras

from fog_flower.models._layers import convolutional, shifted
from fog_flower.tasks.examples import Spec
from fog_flower.tasks.task import Task

THREADED = 0.95  # multithreaded part of a step, see simulations/engines/placement.py


def cnn_norm_shift(spec: Spec, task: Task) -> keras.Model:
    """Build the CNN with group normalisation; training images are shifted by up to 2 pixels."""
    normalised = convolutional(spec, task, "cnn-norm-shift", 256, 128, 64, normalised=True)
    return shifted(spec, "cnn-norm-shift", normalised)
