"""Epsilons against published and hand-computed values."""

import math

import pytest

from fog_flower.errors import UserError
from fog_flower.privacy.accounting import (
    check_budget,
    gaussian_epsilon,
    gaussian_noise,
    response_keep,
    subsampled_epsilon,
    subsampled_noise,
)

DELTA = 1e-5


def test_a_published_run_of_dp_sgd():
    # N 10,000, batches of 256, noise 1, 20 epochs (Chua et al. 2024 compare such; privacy.md)
    assert subsampled_epsilon(1.0, 0.0256, 780, DELTA) == pytest.approx(4.51, abs=0.01)


def test_without_sampling_it_is_one_wider_gaussian():
    # k releases with noise s are one with noise s / sqrt(k)
    found = subsampled_epsilon(8.0, 1.0, 16, DELTA)
    assert found == pytest.approx(gaussian_epsilon(2.0, DELTA), rel=1e-3)


def test_the_analytic_gaussian_mechanism():
    # Balle & Wang 2018: sigma of epsilon 1 at delta 1e-5, sensitivity 1
    assert gaussian_noise(1.0, DELTA) == pytest.approx(3.7306, abs=1e-3)
    for epsilon in (0.1, 1.0, 8.0, 1e3, 1e6):
        assert gaussian_epsilon(gaussian_noise(epsilon, DELTA), DELTA) == pytest.approx(epsilon)


def test_the_noise_that_is_found_keeps_the_promise_and_little_more():
    noise = subsampled_noise(3.0, 0.02, 200, DELTA)
    assert subsampled_epsilon(noise, 0.02, 200, DELTA) <= 3.0
    assert subsampled_epsilon(noise - 0.01, 0.02, 200, DELTA) > 3.0


def test_randomised_response():
    assert response_keep(math.log(3.0), 2) == pytest.approx(0.75)  # Warner's coin
    for epsilon in (0.5, 3.0):  # the true answer is e^epsilon times as likely as each other one
        keep = response_keep(epsilon, 10)
        assert keep / ((1.0 - keep) / 9) == pytest.approx(math.exp(epsilon))


def test_no_noise_promises_nothing():
    assert subsampled_epsilon(0.0, 0.1, 10, DELTA) == math.inf
    assert gaussian_epsilon(0.0, DELTA) == math.inf


@pytest.mark.parametrize(
    ("epsilon", "delta", "words"),
    [
        (0.0, DELTA, "epsilon=0.0 must be positive"),
        (-1.0, DELTA, "epsilon=-1.0"),
        (math.inf, DELTA, "epsilon=inf"),
        ("3", DELTA, "epsilon='3'"),
        (1.0, 0.0, "delta=0.0 must be between 0 and 1"),
        (1.0, 1.0, "delta=1.0"),
    ],
)
def test_budgets_that_promise_nothing_are_refused(epsilon, delta, words):
    with pytest.raises(UserError, match=words):
        check_budget("here", epsilon, delta)
