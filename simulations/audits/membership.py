"""Membership inference: which images a model was trained on, from the final W and from dW."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt

from clients.fog_node import NodeData
from fog_flower.build_model import build_model
from fog_flower.config import RunConfig
from fog_flower.data.field import Field, prepare_field
from fog_flower.errors import UserError
from fog_flower.keras_weights import weights_of
from fog_flower.seeds import generator
from fog_flower.tasks.examples import Examples, Indices
from simulations.audits.bound_findings import guessed
from simulations.audits.bounds import DELTA
from simulations.audits.end_nodes import as_queried, as_shipped
from simulations.audits.epoch_membership import Curves, attack_epochs, separation
from simulations.audits.federation import STRATEGY, federated
from simulations.audits.few_examples import dealt, node_of
from simulations.audits.finding import AuditFinding, not_applicable
from simulations.audits.kept_steps import Arrays, KeptSteps
from simulations.audits.lira import confidences, likelihood_ratios
from simulations.audits.losses import losses_of
from simulations.audits.promise import promised_of_update
from simulations.audits.roc import draw_rocs

NAME = "membership"
POOL = 4000  # examples; each model is trained on half of them
LEAST_POOL = 200
SHADOWS = 16  # shadow models of LiRA
Mask = npt.NDArray[np.bool_]


def audit(config: RunConfig, folder: Path, say: Callable[[str], None]) -> list[AuditFinding]:
    """Train small federations as the run does, attack them, and write ``membership.png``.

    The target is trained on each example of a pool with probability 1/2, drawn independently. Each
    shadow model is trained on half of the pool. Rates are over all models, each attacked with the
    others as its shadow models. The bound of epsilon uses the target only. W is always merged by
    FedAvg; if the run has another strategy, the attack is named so.

    Each model's losses are kept in ``folder`` (``KeptSteps``), so that a stopped audit goes on.

    Parameters
    ----------
    config : RunConfig
    folder : Path
        Existing folder of the picture.
    say : callable
        Called with a message at the start of each step.

    Raises
    ------
    UserError
        If there are too few training examples.
    """
    field = prepare_field(config)
    task = field.dataset.task
    if field.dataset.spec.dtype != "float32" or not hasattr(task, "classes"):
        return [not_applicable(NAME, "inputs are no amounts, or targets no classes")]
    size = min(POOL, len(field.train)) // 2 * 2
    if size < max(LEAST_POOL, 4 * config.fog_nodes):
        raise UserError(
            f"train-examples={config.train_examples}: the audit of membership needs {LEAST_POOL}, "
            "and 4 for each fog node; use more, or leave it out with --only"
        )
    rng = generator(config.seed, "audit membership")
    (chosen,) = dealt(config, field, rng, size)
    pool = field.seen(chosen)
    members = np.array([rng.random(size) < 0.5, *_halves(rng, size)])
    model = build_model(config.model, field.dataset.spec, task, config.seed)
    start = weights_of(model)

    kept = KeptSteps(NAME, config, folder, size, len(members))
    queried = kept("queries", lambda: {"inputs": as_queried(config, field, pool).inputs})
    asked = Examples(queried["inputs"], pool.targets)

    def trained(number: int, order: Indices) -> Arrays:
        say(f"audit {NAME}: model {number + 1} of {len(members)}")
        nodes = _nodes(config, field, pool, order)
        found = losses_of(model, federated(config, start, nodes, number), task, asked)
        return {"losses": found, "counts": np.array([len(node.targets) for node in nodes])}

    names = [f"model-{number + 1}" for number in range(len(members))]
    if before := kept.number(names):
        say(f"audit {NAME}: {before} of {len(members)} models are kept")
    made = [
        kept(name, partial(trained, number, rng.permutation(np.flatnonzero(members[number]))))
        for number, name in enumerate(names)
    ]
    losses = [one["losses"] for one in made]
    update = promised_of_update(config, int(made[0]["counts"].min()))
    given = update.delta if update.promises else DELTA
    merged = _merged(config)
    attacks = {
        f"{merged}, loss threshold": -np.array(losses),
        f"{merged}, LiRA with {SHADOWS} shadow models": likelihood_ratios(
            confidences(np.array(losses)), members
        ),
    }
    findings: list[AuditFinding] = []
    curves: Curves = {}
    half = size // 2
    for attack, scores in attacks.items():
        one, other = scores[members], scores[~members]
        curves[attack] = (one, other)
        findings += separation(NAME, attack, one, other, update.epsilon, (half, half))
        found = guessed(NAME, f"{attack}:", scores[0], members[0], given, update.epsilon)
        findings.append(found)
    losses_of(model, start, task, asked.take(np.arange(1)))  # loads W of round 1 again
    more, of_epochs = attack_epochs(NAME, config, field, model, say)
    draw_rocs(curves | of_epochs, folder / f"{NAME}.png", "members", "others")
    return findings + more


def _merged(config: RunConfig) -> str:
    """Return the name of the attacked W, which says so if it is not merged as that of the run."""
    if config.strategy == STRATEGY:
        return "final W"
    return f"W of {STRATEGY}, not of strategy={config.strategy}"


def _halves(rng: np.random.Generator, size: int) -> list[Mask]:
    """Return the random half of the pool that each shadow model is trained on."""
    return [rng.permutation(size) < size // 2 for _ in range(SHADOWS)]


def _nodes(config: RunConfig, field: Field, pool: Examples, members: Indices) -> list[NodeData]:
    """Return the data of fog nodes with equal parts of the members, as end nodes ship them."""
    return [
        node_of(as_shipped(config, field, pool.take(part), place))
        for place, part in enumerate(np.array_split(members, config.fog_nodes))
    ]
