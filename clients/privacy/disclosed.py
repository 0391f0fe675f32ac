"""Protects what a fog node reports to the cloud besides dW: its number of examples, its metrics.

Laplace mechanism: Dwork et al. 2006, doi:10.1007/11681878_14. For integers, the two-sided geometric
mechanism: Ghosh et al. 2009, arXiv:0811.2841.
"""

import dataclasses
import math

import numpy as np
import numpy.typing as npt

from clients.local_result import LocalResult
from clients.privacy._rng import protecting_rng
from fog_flower.config import LARGEST, RunConfig
from fog_flower.privacy.disclosure import DROPPED, EQUAL, LAPLACE
from fog_flower.privacy.guarantee import Guarantee

TOLD = 2  # two values, loss and accuracy, share epsilon


def told_count(config: RunConfig, count: int, fog_node: int) -> int:
    """Return the number of examples that a fog node reports, drawn once per run."""
    if config.example_counts.how == EQUAL:
        return 1
    if config.example_counts.how != LAPLACE:
        return count
    rng = protecting_rng(config, "example-counts", fog_node)
    one, other = rng.geometric(1.0 - math.exp(-config.example_counts.epsilon), 2)
    most = config.train_examples or LARGEST
    return int(min(max(1, count + int(one) - int(other)), most))


def of_counts(config: RunConfig) -> Guarantee:
    """Return the guarantee for a fog node's number of examples."""
    told = config.example_counts
    if told.how == EQUAL:
        return Guarantee("not sent: all fog nodes count alike", epsilon=0.0, uncovered=_WAYS)
    if told.how != LAPLACE:
        return Guarantee("none")
    return Guarantee(
        f"two-sided geometric noise, once, epsilon {told.epsilon:g}",
        told.epsilon,
        relation="add or remove",
        uncovered=_WAYS,
    )


_WAYS = (
    "how long a node trains",
    "a dW whose length follows from the number of steps",
    "an accuracy of training that is sent, a multiple of 1 / n",
)


def with_metrics(
    result: LocalResult,
    config: RunConfig,
    losses: npt.NDArray[np.float64],
    right: npt.NDArray[np.bool_],
    *,
    fog_node: int,
    server_round: int,
) -> LocalResult:
    """Return a result with noisy loss and accuracy of W on the node's examples.

    They replace the metrics of training, whose sensitivity is unbounded: one example influences the
    metrics of all later ones. W is public, so replacing one of n examples changes the accuracy by
    at most 1 / n, and the mean of losses, each clipped to ``largest_loss``, by at most
    ``largest_loss`` / n.

    Parameters
    ----------
    result : LocalResult
    config : RunConfig
    losses, right : float64 [n], bool [n]
        Loss of each example, and whether it is answered right, under W before training.
    fog_node, server_round : int
        Key the noise if it is seeded.
    """
    largest = config.training_metrics.largest_loss
    cut = np.clip(np.nan_to_num(losses, nan=largest, posinf=largest), 0.0, largest)
    rng = protecting_rng(config, "training-metrics", fog_node, server_round)
    noise = rng.laplace(scale=metrics_scale(config) / len(losses), size=TOLD)
    return dataclasses.replace(
        result,
        loss=float(cut.mean() + largest * noise[0]),
        accuracy=float(right.mean() + noise[1]),
    )


def without_metrics(result: LocalResult) -> LocalResult:
    """Return a result with NaN as loss and accuracy."""
    return dataclasses.replace(result, loss=math.nan, accuracy=math.nan)


def metrics_scale(config: RunConfig) -> float:
    """Return the scale of a round's Laplace noise, in units of the sensitivity."""
    return TOLD * config.num_server_rounds / config.training_metrics.epsilon


def of_metrics(config: RunConfig, *, silent: bool, repeated: int = 0) -> Guarantee:
    """Return the guarantee for loss and accuracy.

    Parameters
    ----------
    config : RunConfig
    silent : bool
        Whether other settings suppress them.
    repeated : int
        Rounds that a continued run makes twice, each for a part of epsilon.
    """
    told = config.training_metrics
    if told.how == LAPLACE:
        rounds = config.num_server_rounds + repeated
        return Guarantee(
            f"loss and accuracy of W with Laplace noise, scale {metrics_scale(config):.4g} x what "
            f"one example changes, {rounds} x",
            told.epsilon * rounds / config.num_server_rounds,
        )
    if silent or told.how == DROPPED:
        return Guarantee("not sent", epsilon=0.0)
    return Guarantee("none")
