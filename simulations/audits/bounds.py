"""Lower bounds of epsilon from attacks that were tried, each with its confidence."""

import math

import numpy as np
import numpy.typing as npt
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

Scores = npt.NDArray[np.float64]
CONFIDENCE = 0.95
DELTA = 1e-5  # where nothing is promised
GUESSES = 6  # numbers of guesses that are tried in a one-run audit, each at its share of the error


def proportion(hits: float, tries: int, confidence: float = CONFIDENCE) -> tuple[float, float]:
    """Return the Clopper-Pearson interval of a proportion, two-sided.

    ``hits`` is a whole number, or a share of fewer tries than it was measured on.
    """
    low, high = proportion_confint(hits, tries, 1.0 - confidence, method="beta")
    return float(low), float(high)


def from_pairs(
    one: Scores, other: Scores, delta: float, confidence: float = CONFIDENCE
) -> tuple[float, float]:
    """Return a lower bound of epsilon of a mechanism that was run on two neighbours.

    A threshold is chosen on half of the scores, and tested on the others (Jagielski et al. 2020,
    arXiv:2006.07709): epsilon is at least log((TPR - delta) / FPR), with both at their worst.

    Parameters
    ----------
    one, other : float64 [n]
        Scores of the outputs of each neighbour; larger ones speak for ``one``.
    delta : float

    Returns
    -------
    tuple of float
        The bound, and the threshold's estimate of epsilon on the scores that chose it.
    """
    chosen, guess = 0.0, 0.0
    first, second = one[::2], other[::2]
    for threshold in np.quantile(np.concatenate([first, second]), np.linspace(0.005, 0.995, 199)):
        found = _epsilon(first, second, float(threshold), delta, confidence)
        if found > guess:
            chosen, guess = float(threshold), found
    if guess == 0.0:
        return 0.0, 0.0
    return _epsilon(one[1::2], other[1::2], chosen, delta, confidence), guess


def _epsilon(
    one: Scores, other: Scores, threshold: float, delta: float, confidence: float
) -> float:
    hits, false = int((one > threshold).sum()), int((other > threshold).sum())
    sure = 1.0 - (1.0 - confidence) / 2  # of each of both sides
    tpr = proportion(hits, len(one), 2 * sure - 1)[0]
    fpr = proportion(false, len(other), 2 * sure - 1)[1]
    return max(math.log((tpr - delta) / fpr), 0.0) if tpr > delta and fpr > 0.0 else 0.0


def from_one_run(
    scores: Scores, included: npt.NDArray[np.bool_], delta: float, confidence: float = CONFIDENCE
) -> tuple[float, int, int]:
    """Return a lower bound of epsilon from one run with canaries (Steinke et al. 2023).

    Each canary was included with probability 1/2. Of those with the largest scores it is guessed
    that they were, of those with the smallest that they were not; how many are guessed is chosen
    among a few, each at its share of the error.

    Parameters
    ----------
    scores : float64 [m]
        Larger ones speak for inclusion.
    included : bool [m]
    delta : float

    Returns
    -------
    tuple of float, int, int
        The bound, and how many of how many guesses were right.
    """
    count, order = len(scores), np.argsort(scores, kind="stable")
    best = (0.0, 0, 0)
    error = (1.0 - confidence) / GUESSES
    for guesses in {int(g) for g in np.geomspace(10, count, GUESSES)}:
        half = max(guesses // 2, 1)
        right = int(included[order[-half:]].sum() + (~included[order[:half]]).sum())
        found = _one_run_epsilon(count, 2 * half, right, delta, error)
        if found > best[0] or best[2] == 0:
            best = (found, right, 2 * half)
    return best


def _one_run_epsilon(count: int, guesses: int, right: int, delta: float, error: float) -> float:
    low, high = 0.0, 20.0
    if _p_value(count, guesses, right, low, delta) >= error:
        return 0.0
    while high - low > 1e-3:
        middle = (low + high) / 2
        if _p_value(count, guesses, right, middle, delta) < error:
            low = middle
        else:
            high = middle
    return low


def _p_value(count: int, guesses: int, right: int, epsilon: float, delta: float) -> float:
    """Return how likely as many right guesses are at (epsilon, delta) (their algorithm 2)."""
    chance = 1.0 / (1.0 + math.exp(-epsilon))
    likely = float(binom.sf(right - 1, guesses, chance))
    masses = binom.pmf(right - np.arange(1, right + 1), guesses, chance)
    alpha = float((np.cumsum(masses) / np.arange(1, right + 1)).max(initial=0.0))
    return min(likely + 2.0 * count * delta * alpha, 1.0)
