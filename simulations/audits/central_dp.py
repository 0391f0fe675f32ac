"""Audit of ``strategy=central-dp``: whether W of all rounds tells that a fog node took part.

The rule itself merges the rounds of two federations, many times: one with a fog node more. An
attacker who knows everything but that node tells the two apart by W.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import numpy.typing as npt

from fog_flower.config import SEEDED, RunConfig
from fog_flower.seeds import seed_global_generators
from simulations.audits.bound_findings import told_apart, told_apart_of_gaussians
from simulations.audits.bounds import Scores, middle
from simulations.audits.finding import AuditFinding, not_applicable
from simulations.audits.histogram import Panel, draw_histograms
from simulations.quiet import only_errors_of_flower
from strategies.build import inner_strategy
from strategies.rules.central_dp import CentralDP

NAME = "central-dp"
GAMES = 10_000  # of each federation
LEAST_GAMES, STEPS = 1000, 400_000  # with many rounds, fewer games, so that it takes half a minute
FAR = 1e3  # length of dW in units of ``clip``: certainly clipped
# Opposite signs, so that noise which is the same in all numbers of a row would cancel.
DIRECTION = np.array([1.0, -1.0]) / np.sqrt(2.0)
WITH, WITHOUT = range(2)
Rows = npt.NDArray[np.float64]


def audit(config: RunConfig, folder: Path, say: Callable[[str], None]) -> list[AuditFinding]:
    """Merge all rounds with and without a fog node, and write ``central-dp.png``.

    The node's dW is much longer than ``clip``, and opposite to that of all others, in every round.

    Parameters
    ----------
    config : RunConfig
    folder : Path
        Existing folder of the picture.
    say : callable
        Called with a message at the start of each federation.
    """
    with only_errors_of_flower():
        strategy = inner_strategy(config)
    if not isinstance(strategy, CentralDP):
        return [not_applicable(NAME, f"strategy={config.strategy} is not central-dp")]
    rounds = config.num_server_rounds
    promise = strategy.guarantee(rounds)
    told, delta, claimed = f"{rounds} rounds told apart", strategy.delta, promise.epsilon
    scores = []
    for which in (WITH, WITHOUT):
        say(f"audit {NAME}: {'with' if which == WITH else 'without'} the fog node")
        scores.append(played(config, strategy, worst_rows(strategy, which), which))
    one, other = scores
    findings = [
        told_apart(NAME, told, one, other, delta, claimed),
        told_apart_of_gaussians(NAME, told, one, other, delta, claimed),
    ]
    if config.noise_source == SEEDED:
        say(f"audit {NAME}: noise drawn again from the seed")
        nobody = np.zeros((1, len(DIRECTION)))
        again = f"{told}, noise drawn again from the seed"
        known = [s - played(config, strategy, nobody, which) for which, s in enumerate(scores)]
        findings.append(told_apart(NAME, again, known[WITH], known[WITHOUT], delta, claimed))
    noise = f"noise {strategy.noise:.3g} x clip, {rounds} rounds, {strategy.nodes} fog nodes"
    score = "W along the node's dW, mean of all rounds, in units of clip"
    draw_histograms(
        [Panel(noise, score, one, other, [middle(one, other)])],
        folder / f"{NAME}.png",
        names=("with the fog node", "without it"),
        cut="cut of the attacker",
    )
    return findings


def worst_rows(strategy: CentralDP, which: int) -> Rows:
    """Return dW [k, 2] of a round's fog nodes, with the node in question or without it.

    If the sum were divided by the number of those who answer, the others would tell it.
    """
    far = FAR * strategy.clip * DIRECTION
    others = np.tile(-far, (max(strategy.nodes - 1, 1), 1))
    return np.concatenate([others, [far]]) if which == WITH else others


def played(config: RunConfig, strategy: CentralDP, rows: Rows, which: int) -> Scores:
    """Return the attacker's score of each game; a larger one makes the fog node more likely.

    Parameters
    ----------
    config : RunConfig
    strategy : CentralDP
    rows : float64 [k, 2]
        dW of the fog nodes, in every round.
    which : int
        Number of the federation. With ``noise-source=seeded`` its games have noise of their own,
        and the same one whatever ``rows`` are.

    Returns
    -------
    float64 [games]
        How far W moves in the node's direction in a round, on average, in units of ``clip``.
    """
    rounds = config.num_server_rounds
    games = min(GAMES, max(LEAST_GAMES, STEPS // (2 * rounds)))
    counts = np.ones(len(rows))
    scores = np.zeros(games)
    for game in range(games):
        seed_global_generators(config.seed, "audit central-dp", which, game)  # as before a round
        moved = sum(strategy.step(rows, counts) for _ in range(rounds))
        scores[game] = moved @ DIRECTION
    return scores / (rounds * strategy.clip)
