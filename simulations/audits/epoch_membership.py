"""Membership inference from the dW of a node that trained one epoch on few images."""

from collections.abc import Callable

import keras
import numpy as np
import numpy.typing as npt
import tensorflow as tf

from fog_flower.config import RunConfig
from fog_flower.data.field import Field
from fog_flower.keras_weights import load_weights, weights_of
from fog_flower.seeds import generator
from fog_flower.tasks.examples import Examples
from fog_flower.tasks.task import Task
from fog_flower.weights import Weights
from simulations.audits.bound_findings import guessed
from simulations.audits.bounds import DELTA
from simulations.audits.crafted import first_dense
from simulations.audits.end_nodes import as_queried, as_shipped
from simulations.audits.few_examples import dealt, with_noise_of_run
from simulations.audits.finding import AuditFinding, not_applicable
from simulations.audits.losses import in_parts
from simulations.audits.promise import promised_of_update
from simulations.audits.received import (
    each_of_group,
    group_size,
    of_masks,
    received_update,
    split_in_group,
)
from simulations.audits.roc import area, rate_at

SIZES = (100, 300)  # expected members of each node; below and above the width of narrow layers
FRESH = 1000  # images that cannot be members: enough to measure 0.1% false positives
AT_ONCE = 200  # examples
Scores = npt.NDArray[np.float64]
Curves = dict[str, tuple[Scores, Scores]]


def attack_epochs(
    name: str,
    config: RunConfig,
    field: Field,
    model: keras.Model,
    say: Callable[[str], None],
) -> tuple[list[AuditFinding], Curves]:
    """Return the findings on nodes with about 100 and 300 images, and the scores of each attack.

    Each candidate is a member with probability 1/2, drawn independently, so that the guesses bound
    epsilon as canaries do (Steinke et al. 2023). In a run with masks, the sum of a group is
    attacked, whose nodes have as many images each.

    Parameters
    ----------
    name : str
        Name of the audit.
    config : RunConfig
    field : Field
    model : keras.Model
        With W of the first round.
    say : callable
        Called with a message at the start of each step.
    """
    start = weights_of(model)
    private = with_noise_of_run(config, field).changed({"local-epochs": 1, "num-server-rounds": 1})
    findings = of_masks(config, name)
    curves: Curves = {}
    for size in SIZES:
        what = f"dW of an epoch over {size} images{each_of_group(config)}"
        drawn = 2 * size * group_size(config)
        fresh = min(FRESH, len(field.train) - drawn)
        if fresh < size:
            findings.append(not_applicable(name, f"{what}: needs train-examples={drawn + size}"))
            continue
        say(f"audit {name}: {what}")
        rng = generator(config.seed, "audit epoch", size)
        candidates, strangers = dealt(config, field, rng, drawn, fresh)
        included = rng.random(drawn) < 0.5
        raw = field.seen(np.concatenate([candidates, strangers]))
        trained = as_shipped(config, field, raw.take(np.flatnonzero(included)))
        nodes = split_in_group(config, trained)
        delta = received_update(private, start, nodes)
        asked = as_queried(config, field, raw)
        attacks = {
            f"{what}, along gradients": along(model, start, field.dataset.task, delta, asked)
        }
        kernel = first_dense(model)
        if kernel is not None:
            attacks[f"{what}, in its span"] = in_span(delta[kernel], asked.inputs, len(trained))
        update = promised_of_update(private, min(len(node.targets) for node in nodes))
        false = np.concatenate([~included, np.ones(fresh, bool)])
        for attack, scores in attacks.items():
            one, other = scores[~false], scores[false]
            curves[attack] = (one, other)
            findings += separation(name, attack, one, other, update.epsilon)
            given = update.delta if update.promises else DELTA
            findings.append(
                guessed(name, f"{attack}:", scores[:drawn], included, given, update.epsilon)
            )
    return findings, curves


def separation(
    name: str,
    attack: str,
    one: Scores,
    other: Scores,
    claimed: float,
    independent: tuple[int, int] | None = None,
) -> list[AuditFinding]:
    """Return the area under the ROC curve, and the share of members found at 0.1% false positives.

    Parameters
    ----------
    name, attack : str
    one, other : float64 [m], [n]
        Scores of members and of others.
    claimed : float
        The promised epsilon.
    independent : tuple of int, optional
        Numbers of independent examples in each, if several scores belong to the same example.
    """
    sizes = independent or (len(one), len(other))
    return [
        AuditFinding(name, attack, "area under ROC", *area(one, other, sizes), claimed),
        AuditFinding(
            name,
            attack,
            "members found at 0.1% false positives",
            *rate_at(one, other, independent=sizes[0]),
            claimed,
        ),
    ]


def in_span(kernel: npt.NDArray[np.float32], inputs: npt.NDArray[np.float32], count: int) -> Scores:
    """Return how near each input is to the span of the first layer's dW.

    The update of a dense layer's kernel is a sum of inputs times gradients. Members therefore lie
    in its span as long as there are fewer of them than neurons.

    Parameters
    ----------
    kernel : float32 [size, width]
        dW of the first layer's kernel.
    inputs : float32 [n, ...]
    count : int
        Number of members, which fog nodes send in the clear.

    Returns
    -------
    float64 [n]
        -log of the share of an input's squared length that lies outside the span.
    """
    rows = inputs.reshape(len(inputs), -1).astype(np.float64)
    basis = np.linalg.svd(kernel.astype(np.float64), full_matrices=False)[0][:, :count]
    lengths = np.maximum(np.square(rows).sum(axis=1), 1e-30)
    outside = np.square(rows - rows @ basis @ basis.T).sum(axis=1) / lengths
    return np.asarray(-np.log(np.maximum(outside, 1e-30)), np.float64)


def along(
    model: keras.Model, start: Weights, task: Task, delta: Weights, examples: Examples
) -> Scores:
    """Return how much each example's loss falls along dW, to first order.

    This is the inner product of dW with the example's negative gradient at W. It works for any
    model.

    Returns
    -------
    float64 [n]
    """
    load_weights(model, start)
    moves = {id(v): d for v, d in zip(model.weights, delta, strict=True)}
    variables = [variable.value for variable in model.trainable_variables]
    tangents = [tf.constant(moves[id(v)]) for v in model.trainable_variables]
    found = []
    for some in in_parts(examples, AT_ONCE):
        with tf.autodiff.ForwardAccumulator(variables, tangents) as forward:
            losses = task.losses(some.targets, model(some.inputs, training=False))
        found.append(-forward.jvp(losses).numpy())
    return np.concatenate(found).astype(np.float64)
