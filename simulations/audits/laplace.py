"""Audit of what ``laplace`` promises for a fog node's metrics and for its number of examples.

The fog node's own code reports about two neighbouring data sets, many times, and the attacker tells
the reports apart.
"""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from clients.local_result import LocalResult
from clients.local_training import examples_of
from clients.privacy.disclosed import told_count, with_metrics
from clients.privacy.releases import releases_of
from fog_flower.config import RunConfig
from fog_flower.data.field import prepare_field
from fog_flower.privacy.disclosure import LAPLACE
from fog_flower.privacy.ledger import COUNTS, METRICS
from simulations.audits.bound_findings import told_apart, told_apart_in_each
from simulations.audits.bounds import Scores, best_threshold
from simulations.audits.finding import AuditFinding, not_applicable
from simulations.audits.histogram import Panel, draw_histograms

NAME = "laplace"
REPORTS = 40_000  # of each data set; so many detect half of the noise over 10 rounds
EXAMPLES = 10  # of the fog node whose metrics are attacked: noise grows as their number falls
NOTHING = LocalResult([], 0.0, 0.0, 0.0)


def audit(config: RunConfig, folder: Path, say: Callable[[str], None]) -> list[AuditFinding]:
    """Attack metrics and counts that have Laplace noise, and write ``laplace.png``.

    Parameters
    ----------
    config : RunConfig
    folder : Path
        Existing folder of the picture.
    say : callable
        Called with a message at the start of each attack.
    """
    field = prepare_field(config)
    count = examples_of(field, config, 0)
    promised = {one.name: one.guarantee.epsilon for one in releases_of(config, count)}
    findings, panels = [], []
    if config.training_metrics.how == LAPLACE:
        say(f"audit {NAME}: metrics")
        rounds, attack = config.num_server_rounds, "metrics of neighbours told apart"
        one, other = (reported_metrics(config, number) for number in (0, 1))
        findings.append(told_apart_in_each(NAME, attack, one, other, rounds, promised[METRICS]))
        score = "above the true value, in units of what an example changes: the lower of both"
        cut = best_threshold(one, other, 0.0)
        panels.append(Panel("loss and accuracy of one round", score, one, other, [cut]))
    if config.example_counts.how == LAPLACE:
        say(f"audit {NAME}: counts")
        attack = f"counts of {count + 1} and {count} examples told apart"
        one, other = (reported_counts(config, count, number) for number in (0, 1))
        findings.append(told_apart(NAME, attack, one, other, 0.0, promised[COUNTS]))
        score = f"reported number above {count}, the examples of the neighbour"
        cut = best_threshold(one, other, 0.0) + 0.5  # between whole numbers
        panels.append(Panel("number of examples", score, one, other, [cut]))
    if not findings:
        return [not_applicable(NAME, "neither training-metrics nor example-counts is laplace")]
    draw_histograms(
        panels,
        folder / f"{NAME}.png",
        names=("reports of a data set", "of its neighbour"),
        cut="cut of the attacker",
    )
    return findings


def reported_metrics(config: RunConfig, which: int) -> Scores:
    """Return how far each report of a round exceeds the metrics of the data set with the example.

    Parameters
    ----------
    config : RunConfig
    which : int
        0: one of ``EXAMPLES`` examples is answered right and has an infinite loss. 1: it is
        answered wrongly and has none.

    Returns
    -------
    float64 [n]
        The lower excess of loss and accuracy, in units of what the example changes. Both exceed 0
        for 1 of 4 reports on that data set, which bounds epsilon as well as any other event.
    """
    losses, right = np.zeros(EXAMPLES), np.zeros(EXAMPLES, bool)
    losses[0], right[0] = (np.inf, True) if which == 0 else (0.0, False)
    largest = config.training_metrics.largest_loss
    reports = []
    for number in range(REPORTS):
        place = {"fog_node": which * REPORTS + number, "server_round": _round(config, number)}
        told = with_metrics(NOTHING, config, losses, right, **place)
        reports.append((told.loss / largest, told.accuracy))
    excess = EXAMPLES * np.array(reports, np.float64) - 1.0
    return np.asarray(excess.min(axis=1), np.float64)


def reported_counts(config: RunConfig, count: int, which: int) -> Scores:
    """Return how much each report exceeds ``count``, of nodes with one example more, or of 1: not.

    Returns
    -------
    float64 [n]
    """
    owned = count + 1 - which
    nodes = range(which * REPORTS, (which + 1) * REPORTS)
    return np.array([told_count(config, owned, node) - count for node in nodes], np.float64)


def _round(config: RunConfig, number: int) -> int:
    """Return the round of a report. All rounds are in turn."""
    return 1 + number % config.num_server_rounds
