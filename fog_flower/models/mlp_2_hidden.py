"""The MLP of the paper's text."""

import keras

from fog_flower.models._layers import dense
from fog_flower.tasks.examples import Spec
from fog_flower.tasks.task import Task

THREADED = 0.5  # of a step: see simulations/engines/placement.py


def mlp_2_hidden(spec: Spec, task: Task) -> keras.Model:
    """3072-256-128-10: the MLP as the paper's text describes it, 820,874 parameters on SVHN."""
    return dense(spec, task, "mlp-2-hidden", 256, 128)
