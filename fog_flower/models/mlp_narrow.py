"""A small MLP, for grids of many runs."""

import keras

from fog_flower.models._layers import dense
from fog_flower.tasks.examples import Spec
from fog_flower.tasks.task import Task

THREADED = 0.5  # multithreaded part of a step, see simulations/engines/placement.py


def mlp_narrow(spec: Spec, task: Task) -> keras.Model:
    """Build an MLP 3072-128-64-10, 402,250 parameters on SVHN; it is not the paper's."""
    return dense(spec, task, "mlp-narrow", 128, 64)
