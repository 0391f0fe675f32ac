"""Computes the epsilon of mechanisms: in closed form, or with ``dp-accounting``."""

import functools
import math
from typing import Any

from scipy.optimize import brentq
from scipy.special import log_ndtr, ndtr

from fog_flower.errors import UserError
from fog_flower.extras import require_version
from fog_flower.privacy.arguments import check_number, check_positive

ACCOUNTANT = "dp-accounting>=0.6,<0.7"  # as in pyproject.toml, which a SuperNode does not have
USUAL_DELTA = 1e-5
LEAST_NOISE = 0.1  # multiplier below which distributions are huge, and epsilon counts as infinite
LARGEST_NOISE = 1e6  # multiplier; a search that finds more has failed
INTERVAL = 1e-3  # of privacy loss; rounded up, so an epsilon of 4.5 is too large by less than 0.001
TOLERANCE = 1e-3  # of a search for a noise multiplier
LARGEST_EPSILON = 100.0  # a larger one promises nothing, and the distributions of DP-SGD are huge


def check_budget(what: str, epsilon: float, delta: float) -> None:
    """Check that an epsilon and a delta promise something and can be kept.

    Parameters
    ----------
    what : str
        Key and mechanism, for the message.

    Raises
    ------
    UserError
        If epsilon is not positive and finite or above ``LARGEST_EPSILON``, or delta not between 0
        and 1.
    """
    check_positive(what, "epsilon", epsilon, "1 to 8 is usual")
    if epsilon > LARGEST_EPSILON:
        raise UserError(
            f"{what}: epsilon={epsilon:g} promises nothing; use at most {LARGEST_EPSILON:g}"
        )
    check_number(what, "delta", delta, "1e-5 is usual")
    if not 0.0 < delta < 1.0:
        raise UserError(
            f"{what}: delta={delta!r} must be between 0 and 1, and below 1 / (number of examples); "
            "1e-5 is usual"
        )


def check_delta(what: str, delta: float, count: int, units: str, *, hidden: str = "") -> None:
    """Check that delta is below 1 / n, for n units that each may be disclosed with that chance.

    With delta = 1 / n a mechanism is allowed that discloses one unit, drawn at random, as it is
    (Dwork & Roth 2014, doi:10.1561/0400000042, section 2.3.1). For a mechanism that takes each
    unit by itself, n * delta of them are expected to be disclosed.

    Parameters
    ----------
    what : str
        Key and mechanism, for the message.
    delta : float
    count : int
        n.
    units : str
        What there are n of, for the message.
    hidden : str
        The setting that hides n, if one does: the message, which may leave the node, is without n.

    Raises
    ------
    UserError
        If delta is 1 / n or more.
    """
    if delta < 1.0 / count:
        return
    if hidden:
        number, remedy = f"the number of {units}, which {hidden} hides", "use a smaller one"
    else:
        usual = min(USUAL_DELTA, 10.0 ** math.floor(math.log10(0.1 / count)))
        number, remedy = f"{count}, the number of {units}", f"use e.g. delta={usual:.0e}"
    raise UserError(
        f"{what}: delta={delta!r} must be below 1 / {number}: with so large a delta, one of them "
        f"may be disclosed; {remedy}"
    )


def check_accountant(what: str) -> None:
    """Check that the library that accounts for Gaussian noise in many steps is there.

    Parameters
    ----------
    what : str
        Key and mechanism, for the message.

    Raises
    ------
    UserError
        If it is missing or too old.
    """
    require_version(what, ACCOUNTANT)


@functools.lru_cache(maxsize=64)
def gaussian_epsilon(noise: float, delta: float) -> float:
    """Return the exact epsilon of one Gaussian mechanism (Balle & Wang 2018, ICML, theorem 8).

    Parameters
    ----------
    noise : float
        Standard deviation in units of the L2 sensitivity; 0: epsilon is infinite.
    delta : float
    """
    if noise <= 0.0:
        return math.inf
    if _gaussian_delta(noise, 0.0) <= delta:
        return 0.0
    high = 1.0
    while _gaussian_delta(noise, high) > delta:
        high *= 2.0
    return float(brentq(lambda epsilon: _gaussian_delta(noise, epsilon) - delta, 0.0, high))


@functools.lru_cache(maxsize=64)
def gaussian_noise(epsilon: float, delta: float) -> float:
    """Return the least Gaussian noise, in units of the sensitivity, for one epsilon and delta."""
    low = high = 1.0
    while _gaussian_delta(high, epsilon) > delta:
        high *= 2.0
    while _gaussian_delta(low, epsilon) <= delta:
        low /= 2.0
    return float(brentq(lambda noise: _gaussian_delta(noise, epsilon) - delta, low, high))


def _gaussian_delta(noise: float, epsilon: float) -> float:
    """Return the least delta of a Gaussian mechanism at ``epsilon``."""
    half, far = 0.5 / noise, epsilon * noise
    return float(ndtr(half - far) - math.exp(min(epsilon + log_ndtr(-half - far), 700.0)))


@functools.lru_cache(maxsize=64)
def subsampled_epsilon(noise: float, rate: float, steps: int, delta: float) -> float:
    """Return epsilon of DP-SGD: ``steps`` Gaussian mechanisms on Poisson samples.

    Computed with privacy loss distributions, for adding or removing one example (Koskela et al.
    2020; Doroshenko et al. 2022). It does not hold for shuffled batches of a fixed size (Chua et
    al. 2024).

    Parameters
    ----------
    noise : float
        Standard deviation in units of the clipping norm.
    rate : float
        Probability that an example is in a step's batch; 1: all of them are.
    steps : int
        Number of steps over all rounds.
    delta : float

    Raises
    ------
    UserError
        If ``dp-accounting`` is missing or too old.
    """
    if not steps:
        return 0.0
    if noise < LEAST_NOISE:
        return math.inf
    return float(_accountant().compose(_event(noise, rate, steps)).get_epsilon(delta))


@functools.lru_cache(maxsize=64)
def subsampled_noise(epsilon: float, rate: float, steps: int, delta: float) -> float:
    """Return the least noise for which ``subsampled_epsilon`` is at most ``epsilon``.

    Check it with ``check_budget`` and ``check_reachable`` first.

    Raises
    ------
    UserError
        If the search finds none, or ``dp-accounting`` is missing or too old.
    """
    check_accountant("epsilon of DP-SGD")
    import dp_accounting  # noqa: PLC0415  (takes a second)

    found = dp_accounting.calibrate_dp_mechanism(
        _accountant,
        lambda noise: _event(noise, rate, steps),
        epsilon,
        delta,
        bracket_interval=dp_accounting.LowerEndpointAndGuess(LEAST_NOISE, 1.0),
        tol=TOLERANCE,
    )
    if not found < LARGEST_NOISE:
        raise UserError(f"epsilon={epsilon:g}: no noise is enough for delta={delta:g}")
    return float(found)


def check_reachable(what: str, epsilon: float, rate: float, steps: int, delta: float) -> None:
    """Check that some noise reaches an epsilon of DP-SGD, without the search for the least one.

    Parameters
    ----------
    what : str
        Key and mechanism, for the message.
    epsilon, rate, steps, delta
        See ``subsampled_epsilon``.

    Raises
    ------
    UserError
        If even ``LARGEST_NOISE`` is not enough.
    """
    if subsampled_epsilon(LARGEST_NOISE, rate, steps, delta) > epsilon:
        raise UserError(
            f"{what}: epsilon={epsilon:g}: no noise is enough for delta={delta:g} in all rounds; "
            "use a larger epsilon or delta, or fewer rounds"
        )


def shared_epsilon(epsilon: float, share: float) -> float:
    """Return epsilon of a mechanism on a secret sample (Balle et al. 2018, arXiv:1807.01647).

    The sample has a fixed size, is drawn without replacement, and is released in random order.
    Neighbours differ in the value of one example. Delta is ``share`` times the mechanism's.

    Parameters
    ----------
    epsilon : float
        Of the mechanism, for the sample.
    share : float
        The fraction of the examples that is in the sample.
    """
    if epsilon > LARGEST_EPSILON:
        return epsilon + math.log(share) if math.isfinite(epsilon) else epsilon
    return math.log1p(share * math.expm1(epsilon))


def response_keep(epsilon: float, answers: int) -> float:
    """Return the probability of the true answer at ``epsilon``."""
    return 1.0 / (1.0 + (answers - 1) * math.exp(-epsilon))


def _accountant() -> Any:
    check_accountant("epsilon of DP-SGD")
    from dp_accounting.pld import PLDAccountant  # noqa: PLC0415

    return PLDAccountant(value_discretization_interval=INTERVAL)


def _event(noise: float, rate: float, steps: int) -> Any:
    from dp_accounting import dp_event  # noqa: PLC0415

    one = dp_event.GaussianDpEvent(noise)
    step = one if rate >= 1.0 else dp_event.PoissonSampledDpEvent(rate, one)
    return step if steps == 1 else dp_event.SelfComposedDpEvent(step, steps)
