"""Trains the merged model once more after the last round, on all labelled examples of the cloud."""

import math
import time

from flwr.app import ArrayRecord

from fog_flower.annealing import cosine
from fog_flower.config import RunConfig
from fog_flower.records.recorder import RunRecorder
from fog_flower.weights import add, from_record, to_record
from strategies.cloud import Cloud
from strategies.cloud_trainer import CloudTrainer


def refit(
    cloud: Cloud, config: RunConfig, arrays: ArrayRecord, recorder: RunRecorder
) -> ArrayRecord:
    """Train the final W on all of the cloud's labelled examples, as a fog node trains on its own.

    These are the cloud's own (``cloud-examples``) and those on which the gate judged. It is the
    usual refit of a model that was chosen on held-out examples. Afterwards, nothing can be judged
    on them any more. The learning rate falls from ``learning-rate`` to nearly 0 along a cosine,
    whatever it does in the rounds: where it does not fall, W scatters by whole points.

    Returns
    -------
    ArrayRecord
        The new W. Its figures are recorded.
    """
    began = time.perf_counter()
    epochs, weights, loss = config.refit_epochs, from_record(arrays), math.nan
    trainer = CloudTrainer(
        cloud.compiled,
        cloud.labelled(),
        cloud.preprocess,
        learning_rate=lambda epoch: config.learning_rate * cosine((epoch - 1) / epochs),
        batch_size=config.batch_size,
        epochs=1,
        seed=config.seed,
    )
    for epoch in range(1, epochs + 1):
        update = trainer.update(weights, epoch)
        weights, loss = add(weights, update.delta), float(update.metrics["loss"])
    recorder.record_refit(
        cloud.evaluate(weights, held_out=False),
        examples=len(trainer),
        epochs=epochs,
        train_loss=loss,
        seconds=time.perf_counter() - began,
    )
    return to_record(weights)
