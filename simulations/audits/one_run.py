"""A lower bound of DP-SGD's epsilon from one training run with canaries (Steinke et al. 2023)."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from clients.fog_node import NodeData
from clients.local_training import build_node_data, released_update
from clients.privacy.fog_protection import private_training
from fog_flower.build_model import build_untrained
from fog_flower.config import RunConfig
from fog_flower.data.field import prepare_field
from fog_flower.seeds import generator
from fog_flower.tasks.examples import Examples
from fog_flower.weights import Weights, add
from simulations.audits.bound_findings import guessed
from simulations.audits.bounds import DELTA, Scores, from_one_run
from simulations.audits.finding import AuditFinding
from simulations.audits.histogram import Panel, draw_histograms
from simulations.audits.losses import losses_of

NAME = "one-run"
CANARIES = 1000
ROUNDS_SAID = 5  # rounds between two messages


def audit(config: RunConfig, folder: Path, say: Callable[[str], None]) -> list[AuditFinding]:
    """Train fog node 0 alone over all rounds with canaries, and guess which canaries it saw.

    Canaries are inputs of pure noise with labels drawn from those of the node, so that each has its
    own gradient. Each is added to the node's examples with probability 1/2. The score is the fall
    of a canary's loss, minus the mean fall of all canaries with the same label. The scores are
    drawn in ``one-run.png``.
    """
    mechanism = private_training(config.fog_protection)
    data, field = build_node_data(config, 0), prepare_field(config)
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
        if server_round % ROUNDS_SAID == 1:
            say(f"audit {NAME}: round {server_round} of {config.num_server_rounds}")
        result = released_update(config, weights, trained, fog_node=0, server_round=server_round)
        weights = add(weights, result.delta)
    canaries = Examples(noise, labels)
    before, after = (
        losses_of(model, kept, field.dataset.task, canaries) for kept in (start, weights)
    )
    fell = before - after
    for label in np.unique(labels):
        fell[labels == label] -= fell[labels == label].mean()
    delta, claimed = DELTA, np.inf
    if mechanism:
        delta = mechanism.delta
        told = mechanism.guarantee(config, len(trained.targets), config.num_server_rounds)
        claimed = told.epsilon
    attack = f"{count} canaries of noise,"
    _draw(fell, included, delta, folder / f"{NAME}.png")
    return [guessed(NAME, attack, fell, included, delta, float(claimed))]


def _draw(scores: Scores, included: npt.NDArray[np.bool_], delta: float, path: Path) -> None:
    """Draw the scores of canaries, and the cuts beyond which the attacker guesses."""
    _, right, guesses = from_one_run(scores, included, delta)
    order = np.sort(scores)
    cuts = order[guesses // 2 - 1], order[-(guesses // 2)]
    title = f"{right} of {guesses} guesses right"
    score = "fall of a canary's loss, beyond the mean of those with its label"
    draw_histograms(
        [Panel(title, score, scores[included], scores[~included], cuts)],
        path,
        names=("canaries trained on", "the others"),
        cut="guesses are made beyond",
    )
