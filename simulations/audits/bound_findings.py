"""Findings that hold a lower bound of epsilon, from the scores of an attack."""

import numpy as np
import numpy.typing as npt

from simulations.audits.bounds import (
    Scores,
    from_gaussians,
    from_one_run,
    from_pairs,
    most_from_one_run,
)
from simulations.audits.finding import AuditFinding, bounded


def told_apart(
    name: str, attack: str, one: Scores, other: Scores, delta: float, claimed: float
) -> AuditFinding:
    """Return the bound of ``from_pairs``, beside the promised epsilon ``claimed``."""
    bound, most = from_pairs(one, other, delta)
    return bounded(name, attack, bound, claimed, most)


def told_apart_in_each(
    name: str, attack: str, one: Scores, other: Scores, times: int, claimed: float
) -> AuditFinding:
    """Return a bound over a run that draws the same noise anew in each of several rounds.

    If the scores of a round are above a threshold with probabilities p and q, they are in all
    rounds with p^n and q^n. So epsilon over the run is at least n log(p / q), with delta = 0.

    Parameters
    ----------
    name, attack : str
    one, other : float64 [n]
        Scores of single rounds; see ``from_pairs``.
    times : int
        Number of rounds of the run.
    claimed : float
        The promised epsilon, over the run.
    """
    bound, most = from_pairs(one, other, 0.0)
    return bounded(name, f"{attack}, {times} x", times * bound, claimed, times * most)


def told_apart_of_gaussians(
    name: str, attack: str, one: Scores, other: Scores, delta: float, claimed: float
) -> AuditFinding:
    """Return the bound of ``from_gaussians``, beside the promised epsilon ``claimed``."""
    bound, most = from_gaussians(one, other, delta)
    return bounded(name, f"{attack}, as Gaussian noise", bound, claimed, most)


def guessed(
    name: str,
    attack: str,
    scores: Scores,
    included: npt.NDArray[np.bool_],
    delta: float,
    claimed: float,
) -> AuditFinding:
    """Return the bound of ``from_one_run``, beside the promised epsilon ``claimed``.

    How many guesses are right is added to ``attack``.
    """
    bound, right, guesses = from_one_run(scores, included, delta)
    told = f"{attack} {right} of {guesses} guesses right"
    return bounded(name, told, bound, claimed, most_from_one_run(len(scores), delta))
