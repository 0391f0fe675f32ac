"""Tries a user's own gate on random updates, so that errors show up before round 1."""

from collections.abc import Sequence

import numpy as np
from flwr.app import Message, RecordDict

from fog_flower.config import RunConfig
from fog_flower.data.dataset import Dataset
from fog_flower.data.load import preprocess_of
from fog_flower.seeds import generator
from fog_flower.tasks.scores import Evaluator, ReferenceTrainer
from fog_flower.tensorflow_setup import precision_here
from simulations.contract.replies import answer, identify, made_up_step, node_id
from strategies.build import build_judge
from strategies.updates import OwnUpdates, Update

EXAMPLES = 60


def rehearse_gate(config: RunConfig, dataset: Dataset, weights: Sequence[np.ndarray]) -> None:
    """Let the configured gate judge one random update per fog node, on a few held-out examples.

    Raises
    ------
    UserError
        If the gate fails, or does not return a decision for each update.
    """
    identify()
    evaluator, reference, trainer = cloud_parts(config, dataset)
    judge = build_judge(config, evaluator, reference, trainer)
    updates = [_made_up(n, weights, config.seed) for n in range(config.fog_nodes)]
    judge.judge(1, list(weights), updates)


def cloud_parts(
    config: RunConfig, dataset: Dataset
) -> tuple[Evaluator, ReferenceTrainer, OwnUpdates | None]:
    """Return what evaluates and trains in the cloud, on a few held-out examples.

    The last one trains the cloud's own update; it is None without ``cloud-examples``.
    """
    from strategies.cloud_trainer import CloudTrainer  # noqa: PLC0415  (TensorFlow)
    from strategies.compiled_model import shared_model  # noqa: PLC0415
    from strategies.keras_evaluator import KerasEvaluator  # noqa: PLC0415
    from strategies.reference_trainer import KerasReferenceTrainer  # noqa: PLC0415

    model = shared_model(config.model, dataset.spec, dataset.task, precision_here(config.precision))
    few = dataset.test.take(np.arange(min(EXAMPLES, len(dataset.test))))
    preprocess = preprocess_of(config, dataset, few)
    rate, seed = config.learning_rate_in, config.seed
    reference = KerasReferenceTrainer(
        model, few, preprocess, learning_rate=rate, examples=EXAMPLES, seed=seed
    )
    trainer = None
    if config.cloud_examples:
        trainer = CloudTrainer(
            model,
            few,
            preprocess,
            learning_rate=rate,
            batch_size=config.batch_size,
            epochs=1,
            seed=seed,
        )
    return KerasEvaluator(model, few, preprocess), reference, trainer


def _made_up(fog_node: int, weights: Sequence[np.ndarray], seed: int) -> Update:
    rng = generator(seed, "rehearsed-gate", fog_node)
    delta = made_up_step(weights, rng)
    question = Message(RecordDict(), node_id(fog_node), "train")
    return Update(fog_node, delta, EXAMPLES, answer(question, delta, fog_node), {})
