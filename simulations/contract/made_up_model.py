"""Initial weights of the configured model, built once."""

import functools

import numpy as np

from fog_flower.config import RunConfig
from fog_flower.data.dataset import Dataset
from fog_flower.tasks.examples import Spec
from fog_flower.tasks.task import Task
from fog_flower.weights import Weights
from simulations.quiet import load_tensorflow_quietly


def initial_weights(config: RunConfig, dataset: Dataset) -> Weights:
    """Return copies of the initial weights of the configured model."""
    return [np.array(array) for array in _weights(config.model, dataset.spec, dataset.task)]


@functools.lru_cache(maxsize=1)
def _weights(model: str, spec: Spec, task: Task) -> Weights:
    load_tensorflow_quietly()
    from fog_flower.build_model import build_untrained  # noqa: PLC0415  (TensorFlow: seconds)

    built: Weights = build_untrained(model, spec, task, 0).get_weights()
    return built
