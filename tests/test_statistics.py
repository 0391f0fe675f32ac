"""The statistics against hand-computed and published examples."""

import math

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from simulations.reports import formats
from simulations.reports.statistics import adjust, compare, summarise, summarise_accuracy, trend

# Student's sleep data (Biometrika 6, 1908): extra hours of sleep with two drugs, ten patients.
# Published (R, ?sleep): t = -4.0621, df = 9, p = 0.002833, 95% CI -2.4598858 to -0.7001142.
FIRST = pd.Series([0.7, -1.6, -0.2, -1.2, -0.1, 3.4, 3.7, 0.8, 0.0, 2.0])
SECOND = pd.Series([1.9, 0.8, 1.1, 0.1, -0.1, 4.4, 5.5, 1.6, 4.6, 3.4])


def test_paired_t_test_of_students_sleep_data():
    result = compare("a", "b", FIRST, SECOND, margin=1.0)
    assert result.n == 10
    assert result.difference == pytest.approx(-1.58)
    assert result.low == pytest.approx(-2.4598858, abs=1e-6)
    assert result.high == pytest.approx(-0.7001142, abs=1e-6)
    assert result.p == pytest.approx(0.002833, abs=1e-6)
    assert result.effect == pytest.approx(-4.0621 / math.sqrt(10), abs=1e-4)
    assert result.effect_low < result.effect < result.effect_high < 0


def test_equivalence_by_hand():
    """TOST: the larger p of two one-sided t tests against the margins."""
    differences = FIRST - SECOND
    error = differences.std() / math.sqrt(10)
    below = stats.t.sf((differences.mean() + 3.0) / error, 9)
    above = stats.t.cdf((differences.mean() - 3.0) / error, 9)
    result = compare("a", "b", FIRST, SECOND, margin=3.0)
    assert result.p_equivalent == pytest.approx(max(below, above))
    assert result.p_equivalent < 0.05
    assert compare("a", "b", FIRST, SECOND, margin=1.0).p_equivalent > 0.05


def test_no_difference_found_is_not_equivalence():
    noisy = pd.Series([0.10, 0.90, 0.30, 0.70])
    result = compare("a", "b", noisy, noisy[::-1].reset_index(drop=True), margin=0.015)
    assert result.p > 0.05
    assert result.p_equivalent > 0.05


def test_summary_by_hand():
    result = summarise([1.0, 2.0, 3.0, 4.0])
    half = 3.182446 * 1.290994 / 2  # t(0.975, 3) * sd / sqrt(4)
    assert (result.n, result.mean) == (4, 2.5)
    assert result.sd == pytest.approx(1.290994, abs=1e-6)
    assert (result.low, result.high) == pytest.approx((2.5 - half, 2.5 + half), abs=1e-5)


def test_an_interval_of_accuracies_ends_at_0_and_1():
    lows, highs = [0.01, 0.30, 0.02], [0.70, 0.99, 0.98]
    low, high = summarise_accuracy(lows), summarise_accuracy(highs)
    assert (low.low, high.high) == (0.0, 1.0)
    assert formats.within(low).startswith("0.00 to ")
    assert formats.accuracy(high).endswith(" to 100.00)")
    assert (low.mean, low.sd) == (summarise(lows).mean, summarise(lows).sd)
    inside = [0.4, 0.5, 0.6]
    assert summarise_accuracy(inside) == summarise(inside)
    assert math.isnan(summarise_accuracy([0.5]).low)
    assert formats.interval(-1.2, 3.0) == "-100.00 to +100.00"


def test_a_single_seed_has_no_interval_and_no_p():
    one = summarise([0.8])
    assert formats.accuracy(one) == "80.00"
    assert formats.within(one) == "no CI"
    assert (one.n, one.mean) == (1, 0.8)
    assert math.isnan(one.sd)
    assert math.isnan(one.low)
    pair = compare("a", "b", pd.Series({3: 0.8}), pd.Series({3: 0.7}), margin=0.015)
    assert (pair.n, pair.difference) == (1, pytest.approx(0.1))
    assert all(math.isnan(v) for v in (pair.low, pair.p, pair.p_equivalent, pair.effect))


def test_of_two_seeds_each_is_told_and_nothing_that_looks_like_a_spread():
    two = summarise_accuracy([0.9, 0.8])
    assert (two.n, two.mean) == (2, pytest.approx(0.85))
    assert math.isnan(two.sd)
    assert math.isnan(two.low)
    assert formats.accuracy(two) == "80.00 and 90.00"
    assert (
        formats.accuracy(summarise_accuracy([0.8, 0.9, 1.0])) == "90.00 ± 10.00 (65.16 to 100.00)"
    )
    assert formats.accuracy(summarise_accuracy([])) == "-"
    a, b = pd.Series([0.8, 0.9]), pd.Series([0.7, 0.75])
    pair = compare("a", "b", a, b, margin=0.015)
    assert (pair.n, pair.difference) == (2, pytest.approx(0.125))
    assert all(math.isnan(v) for v in (pair.low, pair.p, pair.p_equivalent, pair.effect))
    assert math.isnan(trend("mlp", {3: a, 5: b, 7: b - 0.1}).p)


def test_nothing_at_all():
    assert formats.accuracy(summarise([math.nan])) == "-"
    assert summarise([]).n == 0
    assert math.isnan(summarise([math.nan]).mean)
    assert compare("a", "b", pd.Series(dtype=float), FIRST, margin=0.1).n == 0


def test_seeds_without_both_runs_are_left_out():
    """Seed 2 diverged in the first cell, seed 3 is missing from the second."""
    a = pd.Series({0: 0.5, 1: 0.7, 2: math.nan, 3: 0.9, 4: 0.6})
    b = pd.Series({0: 0.4, 1: 0.5, 2: 0.6, 4: 0.6})
    result = compare("a", "b", a, b, margin=0.01)
    assert result.n == 3
    assert result.difference == pytest.approx(0.1)


def test_differences_without_spread_have_no_p():
    result = compare("a", "b", FIRST, FIRST, margin=0.1)
    assert (result.difference, result.low, result.high) == (0.0, 0.0, 0.0)
    assert math.isnan(result.p)


def test_holm_as_published():
    """Holm (1979), the example in Wikipedia's article on his method."""
    assert adjust([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def test_holm_does_not_count_what_could_not_be_tested():
    assert adjust([0.01, math.nan, 0.04]) == pytest.approx([0.02, math.nan, 0.04], nan_ok=True)
    assert all(math.isnan(p) for p in adjust([math.nan, math.nan]))
    assert adjust([]) == []


def test_trend_by_hand():
    """Three seeds that fall by 1, 2 and 3 points per node: every order the same, slope -2."""
    falling = {
        n: pd.Series({seed: 0.9 - 0.01 * (1 + seed) * n for seed in range(3)}) for n in (3, 5, 7)
    }
    result = trend("mlp", falling)
    assert (result.n, result.falls) == (3, True)
    assert result.slope == pytest.approx(-0.02)
    assert result.p == pytest.approx(2 / 6**3)  # of six orders a seed, one is as low, or as high


def test_pages_test_sees_falling_and_growing_accuracy():
    rng = np.random.default_rng(0)
    falling = {n: pd.Series(0.9 - 0.01 * n + rng.normal(0, 0.001, 10)) for n in (3, 5, 7)}
    growing = {n: -values for n, values in falling.items()}
    assert trend("mlp", falling).p < 0.001
    assert trend("mlp", falling).falls
    assert trend("mlp", growing).p < 0.001
    assert not trend("mlp", growing).falls


def test_one_wild_seed_does_not_hide_a_fall():
    """Of ten seeds nine fall by a point a node, and one grows by fifty: its slope outweighs all."""
    falling = {
        n: pd.Series([0.9 - 0.01 * n + 0.001 * s for s in range(9)] + [0.1 + 0.1 * n])
        for n in (3, 5, 7)
    }
    result = trend("mlp", falling)
    assert result.slope > 0
    assert result.falls
    assert result.p < 0.01


def test_a_trend_needs_all_numbers_of_nodes():
    partial = {3: pd.Series({0: 0.9, 1: 0.8}), 5: pd.Series({0: 0.8}), 7: pd.Series({0: 0.7})}
    assert trend("mlp", partial).n == 1
    assert math.isnan(trend("mlp", partial).p)
