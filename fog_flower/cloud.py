"""What the cloud holds: the model, and the images that live only there."""

import math
import time

import keras

from fog_flower.attack_settings import BACKDOOR
from fog_flower.compiled_model import shared_model
from fog_flower.config import RunConfig
from fog_flower.data.images import Dataset
from fog_flower.data.normalise import fit_normaliser
from fog_flower.data.split import Split, held_out_sets, split_dataset
from fog_flower.keras_evaluator import KerasEvaluator
from fog_flower.models import build_untrained
from fog_flower.records.recorder import CloudEvaluation
from fog_flower.reference_trainer import KerasReferenceTrainer
from fog_flower.simulation_parts import simulation_part
from fog_flower.tensorflow_setup import precision_here
from fog_flower.weights import Weights


class Cloud:
    """The model of the run, and its evaluators on the validation and the test images."""

    def __init__(self, config: RunConfig, dataset: Dataset) -> None:
        self.split: Split = split_dataset(dataset, config)
        self.model: keras.Model = build_untrained(config.model, config.seed)
        self.initial_weights: Weights = self.model.get_weights()
        self._compiled = shared_model(config.model, precision_here(config.precision))
        normaliser = fit_normaliser(dataset.train.take(self.split.train).images)
        validation, test = held_out_sets(dataset, self.split)
        self.validation = KerasEvaluator(self._compiled, validation, normaliser)
        self.test = KerasEvaluator(self._compiled, test, normaliser)
        self.reference_trainer = KerasReferenceTrainer(
            self._compiled,
            validation,
            normaliser,
            learning_rate=config.learning_rate_in,
            images=config.reference_images,
            seed=config.seed,
        )
        self._backdoor: KerasEvaluator | None = None
        if config.attack == BACKDOOR:
            attacks = simulation_part("attacks.trigger", f"attack={config.attack!r}")
            self._backdoor = KerasEvaluator(self._compiled, attacks.triggered(test), normaliser)

    def evaluate(self, weights: Weights) -> CloudEvaluation:
        """Evaluate the merged model once on all validation and all test images.

        Under a backdoor attack also how often its trigger works on test images.
        """
        began = time.perf_counter()
        validation, test = self.validation.evaluate(weights), self.test.evaluate(weights)
        success = self._backdoor.evaluate(weights).accuracy if self._backdoor else math.nan
        return CloudEvaluation(validation, test, time.perf_counter() - began, success)
