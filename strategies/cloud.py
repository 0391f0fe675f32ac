"""The model and the held-out examples, which only the cloud has."""

import math
import time

import keras
import numpy as np

from fog_flower.build_model import build_untrained
from fog_flower.config import OF_ATTACK, RunConfig
from fog_flower.data.dataset import Dataset
from fog_flower.data.load import preprocess_of
from fog_flower.data.split import Split, held_out_sets, split_dataset
from fog_flower.data.trigger import TRIGGERS, triggered
from fog_flower.records.recorder import CloudEvaluation
from fog_flower.tasks.examples import Examples
from fog_flower.tasks.scores import UNKNOWN
from fog_flower.tensorflow_setup import precision_here
from fog_flower.weights import Weights
from strategies.cloud_trainer import CloudTrainer
from strategies.compiled_model import shared_model
from strategies.keras_evaluator import KerasEvaluator
from strategies.reference_trainer import KerasReferenceTrainer


class Cloud:
    """The model of the run, and its evaluators on the validation and the test examples."""

    def __init__(self, config: RunConfig, dataset: Dataset) -> None:
        self.dataset = dataset
        self.split: Split = split_dataset(dataset, config)
        spec, task = dataset.spec, dataset.task
        self.model: keras.Model = build_untrained(config.model, spec, task, config.seed)
        self.initial_weights: Weights = self.model.get_weights()
        self.compiled = compiled = shared_model(
            config.model, spec, task, precision_here(config.precision)
        )
        preprocess = preprocess_of(config, dataset, dataset.train.take(self.split.train))
        self.preprocess = preprocess
        validation, test = held_out_sets(dataset, self.split)
        self.validation = KerasEvaluator(compiled, validation, preprocess)
        self.test = KerasEvaluator(compiled, test, preprocess)
        self.reference_trainer = KerasReferenceTrainer(
            compiled,
            validation,
            preprocess,
            learning_rate=config.learning_rate_in,
            examples=config.reference_examples,
            seed=config.seed,
        )
        self.trainer: CloudTrainer | None = None
        if len(self.split.cloud):
            self.trainer = CloudTrainer(
                compiled,
                dataset.train.take(self.split.cloud),
                preprocess,
                learning_rate=config.learning_rate_in,
                batch_size=config.batch_size,
                epochs=config.local_epochs,
                seed=config.seed,
            )
        self._backdoor: KerasEvaluator | None = None
        named = config.attack if config.trigger == OF_ATTACK else config.trigger
        if trigger := TRIGGERS.get(named):
            stamped = triggered(dataset, test, trigger)
            self._backdoor = KerasEvaluator(compiled, stamped, preprocess)

    def labelled(self) -> Examples:
        """Return all labelled examples of the cloud: its own, and the validation examples."""
        validation, _ = held_out_sets(self.dataset, self.split)
        if not len(self.split.cloud):
            return validation
        own = self.dataset.train.take(self.split.cloud)
        return Examples(
            np.concatenate([own.inputs, validation.inputs]),
            np.concatenate([own.targets, validation.targets]),
        )

    def evaluate(self, weights: Weights, *, held_out: bool = True) -> CloudEvaluation:
        """Evaluate a model once on all validation and all test examples.

        If the validation examples are not ``held_out`` from its training, only on test examples.

        Under a backdoor attack, also measure how often its trigger works on test images.
        """
        began = time.perf_counter()
        validation = self.validation.evaluate(weights) if held_out else UNKNOWN
        test = self.test.score(weights)
        success = self._backdoor.evaluate(weights).accuracy if self._backdoor else math.nan
        seconds = time.perf_counter() - began
        return CloudEvaluation(validation, test.mean(), seconds, success, test.worst_group())
