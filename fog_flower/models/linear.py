"""Softmax regression on fixed features: few weights, so little noise hides each example."""

import keras

from fog_flower.models._layers import dense
from fog_flower.tasks.examples import Spec
from fog_flower.tasks.task import Task

THREADED = 0.5  # multithreaded part of a step, see simulations/engines/placement.py


def linear(spec: Spec, task: Task) -> keras.Model:
    """Build a single dense layer: 17,650 parameters on ``features=hog`` of SVHN."""
    return dense(spec, task, "linear")
