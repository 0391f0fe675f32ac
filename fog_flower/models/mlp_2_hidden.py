"""The MLP of the paper's text."""

import keras

from fog_flower.models._layers import dense
from fog_flower.tasks.examples import Spec
from fog_flower.tasks.task import Task

THREADED = 0.5  # multithreaded part of a step, see simulations/engines/placement.py


def mlp_2_hidden(spec: Spec, task: Task) -> keras.Model:
    """Build the MLP of the paper's text, 3072-256-128-10: 820,874 parameters on SVHN."""
    return dense(spec, task, "mlp-2-hidden", 256, 128)
