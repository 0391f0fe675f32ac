"""The MLP of the paper's listing."""

import keras

from fog_flower.models._layers import dense
from fog_flower.tasks.examples import Spec
from fog_flower.tasks.task import Task

THREADED = 0.5  # multithreaded part of a step, see simulations/engines/placement.py


def mlp(spec: Spec, task: Task) -> keras.Model:
    """Build Dense 1024, 256, 128 with ReLU, Dense 10 with softmax: 3,443,338 parameters on SVHN."""
    return dense(spec, task, "mlp", 1024, 256, 128)
