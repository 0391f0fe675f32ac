"""Findings that hold a lower bound of epsilon, from the scores of an attack."""

import numpy as np
import numpy.typing as npt

from simulations.audits.bounds import Scores, from_one_run, from_pairs, most_from_one_run
from simulations.audits.finding import AuditFinding, bounded


def told_apart(
    name: str, attack: str, one: Scores, other: Scores, delta: float, claimed: float
) -> AuditFinding:
    """Return the bound of ``from_pairs``, beside the promised epsilon ``claimed``."""
    bound, most = from_pairs(one, other, delta)
    return bounded(name, attack, bound, claimed, most)


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
