"""Lower bounds of epsilon from attacks, at 95% confidence."""

import math

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri
from scipy.stats import binom
from statsmodels.stats.proportion import proportion_confint

from fog_flower.privacy.accounting import gaussian_epsilon

Scores = npt.NDArray[np.float64]
CONFIDENCE = 0.95
DELTA = 1e-5  # used where nothing is promised
GUESSES = 6  # how many numbers of guesses a one-run audit tries, each at its share of the error


def proportion(hits: float, tries: int) -> tuple[float, float]:
    """Return the two-sided 95% Clopper-Pearson interval of a proportion.

    ``hits`` is not an integer if a share is scaled to fewer independent tries.
    """
    low, high = proportion_confint(hits, tries, 1.0 - CONFIDENCE, method="beta")
    return float(low), float(high)


def from_pairs(one: Scores, other: Scores, delta: float) -> tuple[float, float]:
    """Return a lower bound of epsilon for a mechanism run on two neighbouring inputs.

    The threshold is chosen on half of the scores and tested on the other half (Jagielski et al.
    2020, arXiv:2006.07709). Epsilon is at least log((TPR - delta) / FPR), with the lower confidence
    limit of TPR and the upper one of FPR.

    Parameters
    ----------
    one, other : float64 [n]
        Scores of the outputs of each neighbour. A larger score makes ``one`` more likely.
    delta : float

    Returns
    -------
    tuple of float
        The bound, and the largest one that as many scores can show.
    """
    half = len(one[1::2])
    most = _epsilon(half, half, 0, half, delta)
    threshold = best_threshold(one, other, delta)
    if math.isnan(threshold):
        return 0.0, most
    return _epsilon(*_passed(one[1::2], other[1::2], threshold), delta), most


def best_threshold(one: Scores, other: Scores, delta: float) -> float:
    """Return the threshold that ``from_pairs`` chooses; NaN if none gives a bound above 0."""
    chosen, guess = math.nan, 0.0
    first, second = one[::2], other[::2]
    for threshold in np.quantile(np.concatenate([first, second]), np.linspace(0.005, 0.995, 199)):
        found = _epsilon(*_passed(first, second, float(threshold)), delta)
        if found > guess:
            chosen, guess = float(threshold), found
    return chosen


def from_gaussians(one: Scores, other: Scores, delta: float) -> tuple[float, float]:
    """Return a lower bound of epsilon for a mechanism that adds Gaussian noise.

    Its outputs are as hard to tell apart as two normal distributions whose means differ by mu
    standard deviations: mu is at least z(TPR) - z(FPR), with the normal quantile z and the limits
    of ``from_pairs``. Epsilon follows from mu and delta (Nasr et al. 2023, arXiv:2302.07956). So a
    few thousand scores bound an epsilon that otherwise only outputs as rare as delta would show.

    Parameters
    ----------
    one, other : float64 [n]
        As for ``from_pairs``. The threshold is the ``middle`` of half of the scores.
    delta : float

    Returns
    -------
    tuple of float
        The bound, and the largest one that as many scores can show.
    """
    half = len(one[1::2])
    threshold = middle(one, other)
    found = _gaussian_epsilon(*_passed(one[1::2], other[1::2], threshold), delta)
    return found, _gaussian_epsilon(half, half, 0, half, delta)


def middle(one: Scores, other: Scores) -> float:
    """Return the threshold that ``from_gaussians`` uses: the median of every second score."""
    return float(np.median(np.concatenate([one[::2], other[::2]])))


def from_identification(
    hits: int, tries: int, candidates: int, delta: float
) -> tuple[float, float]:
    """Return a lower bound of epsilon from finding records among candidates by their releases.

    If any candidate may stand in place of another, the mean probability of finding the right one of
    m is at most (e^epsilon + (m - 1) delta) / (e^epsilon + m - 1): sum P_i(S_i) <= e^epsilon
    P_j(S_i) + delta over all i and j, where S_i is what makes the attacker say i.

    Returns
    -------
    tuple of float
        The bound, and the largest one that as many tries can show.
    """

    def bound(found: int) -> float:
        rate = proportion(found, tries)[0]
        odds = (candidates - 1) * (rate - delta) / (1.0 - rate)
        return max(math.log(odds), 0.0) if odds > 0.0 else 0.0

    return bound(hits), bound(tries)


def _passed(one: Scores, other: Scores, threshold: float) -> tuple[int, int, int, int]:
    """Return how many of each are above a threshold, each before its number of scores."""
    return int((one > threshold).sum()), len(one), int((other > threshold).sum()), len(other)


def _epsilon(hits: int, ones: int, false: int, others: int, delta: float) -> float:
    tpr, fpr = _limits(hits, ones, false, others)
    return max(math.log((tpr - delta) / fpr), 0.0) if tpr > delta and fpr > 0.0 else 0.0


def _gaussian_epsilon(hits: int, ones: int, false: int, others: int, delta: float) -> float:
    tpr, fpr = _limits(hits, ones, false, others)
    mu = float(ndtri(tpr) - ndtri(fpr))
    return gaussian_epsilon(1.0 / mu, delta) if mu > 0.0 else 0.0


def _limits(hits: int, ones: int, false: int, others: int) -> tuple[float, float]:
    """Return the lower limit of TPR and the upper one of FPR; both hold together with 95%."""
    return proportion(hits, ones)[0], proportion(false, others)[1]


def from_one_run(
    scores: Scores, included: npt.NDArray[np.bool_], delta: float
) -> tuple[float, int, int]:
    """Return a lower bound of epsilon from one run with canaries (Steinke et al. 2023).

    Each canary was included with probability 1/2. The attacker guesses that the canaries with the
    largest scores were included and that those with the smallest were not. Several numbers of
    guesses are tried, each at its share of the error, and the best bound is returned.

    Parameters
    ----------
    scores : float64 [m]
        A larger score makes inclusion more likely.
    included : bool [m]
    delta : float

    Returns
    -------
    tuple of float, int, int
        The bound, the number of right guesses, and the number of guesses.
    """
    count, order = len(scores), np.argsort(scores, kind="stable")
    best = (0.0, 0, 0)
    error = (1.0 - CONFIDENCE) / GUESSES
    for guesses in sorted({int(g) for g in np.geomspace(10, count, GUESSES)}):
        half = max(guesses // 2, 1)
        right = int(included[order[-half:]].sum() + (~included[order[:half]]).sum())
        found = _one_run_epsilon(count, 2 * half, right, delta, error)
        if found > best[0] or best[2] == 0:
            best = (found, right, 2 * half)
    return best


def most_from_one_run(count: int, delta: float) -> float:
    """Return the bound of ``from_one_run`` if all guesses about ``count`` canaries are right."""
    scores = np.arange(count)
    return from_one_run(scores.astype(np.float64), scores >= count / 2, delta)[0]


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
    """Return the probability of at least ``right`` right guesses at (epsilon, delta).

    Steinke et al. 2023, algorithm 2.
    """
    chance = 1.0 / (1.0 + math.exp(-epsilon))
    likely = float(binom.sf(right - 1, guesses, chance))
    masses = binom.pmf(right - np.arange(1, right + 1), guesses, chance)
    alpha = float((np.cumsum(masses) / np.arange(1, right + 1)).max(initial=0.0))
    return min(likely + 2.0 * count * delta * alpha, 1.0)
