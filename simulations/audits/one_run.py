"""A lower bound of DP-SGD's epsilon from one training run with canaries (Steinke et al. 2023)."""

import numpy as np
import numpy.typing as npt

from clients.fog_node import NodeData
from clients.local_training import node_data, trainer_of
from clients.privacy.fog_protection import private_training
from fog_flower.build_model import build_untrained
from fog_flower.config import RunConfig
from fog_flower.data.field import prepare_field
from fog_flower.seeds import generator
from fog_flower.weights import Weights, add
from simulations.audits.bounds import from_one_run
from simulations.audits.finding import AuditFinding

NAME = "one-run"
CANARIES = 1000
RUN = -1  # instead of Flower's id of a run


def audit(config: RunConfig) -> list[AuditFinding]:
    """Train fog node 0 alone over all rounds, with canaries, and guess which of them it saw.

    Canaries are inputs of pure noise with labels drawn at random, so that each has a gradient of
    its own; each is among the node's examples with probability 1/2. Their score is by how much more
    their loss fell than that of others with the same label.
    """
    mechanism = private_training(config.fog_protection)
    data, field = node_data(RUN, config, 0), prepare_field(config)
    rng = generator(config.seed, "audit one-run")
    count = min(CANARIES, len(data.targets))
    noise = rng.standard_normal((count, *field.dataset.spec.shape), dtype=np.float32)
    labels = data.targets[rng.integers(0, len(data.targets), count)]
    included = rng.random(count) < 0.5
    trained = NodeData(
        np.concatenate([data.inputs, noise[included]]),
        np.concatenate([data.targets, labels[included]]),
        (len(data.targets) + int(included.sum()),),
        0,
        (),
    )

    model = build_untrained(config.model, field.dataset.spec, field.dataset.task, config.seed)
    start: Weights = model.get_weights()
    weights = start
    for server_round in range(1, config.num_server_rounds + 1):
        result = trainer_of(config).train(
            config, weights, trained, fog_node=0, server_round=server_round
        )
        weights = add(weights, result.delta)
    losses = []
    for kept in (start, weights):
        model.set_weights(kept)
        losses.append(_losses(model, field.dataset.task, noise, labels))
    fell = losses[0] - losses[1]
    for label in np.unique(labels):
        fell[labels == label] -= fell[labels == label].mean()
    delta, claimed = 1e-5, np.inf
    if mechanism:
        delta = mechanism.delta
        told = mechanism.guarantee(config, len(trained.targets), config.num_server_rounds)
        claimed = told.epsilon
    bound, right, guesses = from_one_run(fell, included, delta)
    attack = f"{count} canaries of noise, {right} of {guesses} guesses right"
    return [
        AuditFinding(
            NAME, attack, "epsilon, at least", bound, bound, claimed=float(claimed), bound=True
        )
    ]


def _losses(model, task, inputs, targets) -> npt.NDArray[np.float64]:  # type: ignore[no-untyped-def]
    answers = [model(inputs[n : n + 500], training=False) for n in range(0, len(inputs), 500)]
    parts = [task.losses(targets[500 * n : 500 * n + 500], a) for n, a in enumerate(answers)]
    return np.concatenate([part.numpy() for part in parts]).astype(np.float64)
