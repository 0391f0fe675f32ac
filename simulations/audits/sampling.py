"""Audit of DP-SGD's sampler: whether its batches are the Poisson samples that epsilon assumes.

The sampler of the mechanism draws batches for two neighbouring data sets, many times. Noise is
added to the sums of the worst-case gradients. An attacker who assumes shuffled batches tells the
two data sets apart. Its lower bound stays below epsilon for Poisson samples, but not for shuffled
batches of a fixed size (Chua et al. 2024, arXiv:2403.17673; Annamalai et al. 2024,
arXiv:2411.10614).
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

from clients.local_training import examples_of
from clients.privacy._rng import protecting_rng
from clients.privacy.fog_node.dp_sgd import DpSgd
from clients.privacy.fog_protection import private_training
from fog_flower.config import RunConfig
from fog_flower.data.field import prepare_field
from fog_flower.privacy.accounting import subsampled_epsilon
from fog_flower.seeds import generator
from simulations.audits.bound_findings import told_apart
from simulations.audits.finding import AuditFinding, not_applicable
from simulations.audits.roc import draw_rocs

NAME = "sampling"
GAMES = 10_000  # for each neighbour; 2,500 detect shuffled batches too, by a smaller margin
EPOCHS = 3  # in a game; the error of a wrong sampler adds up over epochs
MOST_STEPS = 64  # in an epoch of a game, to save time; a larger node is played with this many
# A second game, in which shuffled batches and Poisson samples differ clearly. With 2,000 games,
# the bound for shuffled batches is 3.1 to 3.7, and the epsilon of Poisson samples is 2.9. At delta
# 1e-5, or with other noise, the two are closer. The accountant gives an epsilon for any delta.
CLEAR_NOISE, CLEAR_STEPS, CLEAR_DELTA = 0.7, 16, 1e-2
Scores = npt.NDArray[np.float64]


def audit(config: RunConfig, folder: Path, say: Callable[[str], None]) -> list[AuditFinding]:
    """Play both games with the sampler of ``fog-protection``, and write ``sampling.png``.

    Parameters
    ----------
    config : RunConfig
    folder : Path
        Existing folder of the picture.
    say : callable
        Called with a message at the start of each game.
    """
    mechanism = private_training(config.fog_protection)
    if mechanism is None:
        return [not_applicable(NAME, "fog nodes do not train with dp-sgd: no batches are claimed")]
    count = examples_of(prepare_field(config), config, 0)
    steps, noise = mechanism.steps(config, count), mechanism.noise_for(config, count)
    games = [(CLEAR_NOISE, CLEAR_STEPS, CLEAR_DELTA)]
    if noise > 0.0:  # without noise, nothing is promised
        games.insert(0, (noise, min(steps, MOST_STEPS), mechanism.delta))
    findings: list[AuditFinding] = []
    curves: dict[str, tuple[Scores, Scores]] = {}
    for number, (deviation, length, delta) in enumerate(games):
        say(f"audit {NAME}: game {number + 1} of {len(games)}, {length} steps an epoch")
        with_it, without = (
            played(config, mechanism, deviation, length, 2 * number + other) for other in (0, 1)
        )
        claimed = subsampled_epsilon(deviation, 1.0 / length, length * EPOCHS, delta)
        attack = (
            f"{EPOCHS} epochs of {length} steps told apart, noise {deviation:.3g} x clip, "
            f"delta {delta:g}"
        )
        findings.append(told_apart(NAME, attack, with_it, without, delta, claimed))
        curves[f"noise {deviation:.3g} x clip, {length} steps"] = (with_it, without)
    draw_rocs(curves, folder / f"{NAME}.png", "with the example", "without it")
    return findings


def played(config: RunConfig, mechanism: DpSgd, noise: float, steps: int, which: int) -> Scores:
    """Return the attacker's score of each game; a larger one makes the example more likely.

    A batch has one example on average. The gradient of the differing example is 1, or 0 in the data
    set without it. The gradients of all others are -1 (Chua et al. 2024, section 3).

    Parameters
    ----------
    config : RunConfig
        Determines the source of randomness.
    mechanism : DpSgd
    noise : float
        Standard deviation in units of the clipping norm.
    steps : int
        Number of steps in an epoch, and of examples.
    which : int
        Number of the game. Games with an even number have the example.
    """
    small = config.changed({"batch-size": 1})
    rng = generator(config.seed, "audit sampling", which)
    drawing = protecting_rng(config, "audit sampling draws", which)
    gradients = np.full(steps, -1.0)
    gradients[0] = 1.0 if which % 2 == 0 else 0.0
    sums = np.empty((GAMES, EPOCHS, steps))
    for game, epoch in np.ndindex(GAMES, EPOCHS):
        batches = mechanism.batches(small, steps, drawing)
        order = np.concatenate(batches)
        places = np.repeat(np.arange(steps), [len(batch) for batch in batches])
        sums[game, epoch] = np.bincount(places, gradients[order], steps)
    return _scores(sums + noise * rng.standard_normal(sums.shape), noise)


def _scores(sums: Scores, noise: float) -> Scores:
    """Return the log likelihood ratio of each game's sums, assuming shuffled batches.

    In each epoch, one step then has a mean of 1 with the example, or 0 without it. All other steps
    have a mean of -1.
    """
    above = (sums + 1.0) / noise**2
    with_it = logsumexp(2.0 * above - 2.0 / noise**2, axis=2)
    without = logsumexp(above - 0.5 / noise**2, axis=2)
    return np.asarray((with_it - without).sum(axis=1), np.float64)
