"""Sums over updates, array by array, beside the same with one matrix."""

import numpy as np
import pytest

from fog_flower.weights import flatten, unflatten
from strategies.steps import Steps

RNG = np.random.default_rng(0)
SHAPES = [(3, 4), (), (5,), (2, 3, 2)]
START = [RNG.normal(size=shape).astype(np.float32) for shape in SHAPES]
DELTAS = [[RNG.normal(size=shape).astype(np.float32) for shape in SHAPES] for _ in range(6)]


@pytest.mark.parametrize("factors", [np.zeros(6), np.eye(6)[2], RNG.normal(size=6)])
def test_merged_is_what_the_matrix_says(factors):
    rows = np.stack([flatten(delta) for delta in DELTAS])
    wanted = unflatten(flatten(START) + factors.astype(np.float32) @ rows, START)
    for array, like in zip(Steps(START, DELTAS).merged(factors), wanted, strict=True):
        assert (array.shape, array.dtype) == (like.shape, like.dtype)
        np.testing.assert_allclose(array, like, atol=1e-5)


def test_none_of_them_is_w_itself():
    for array, like in zip(Steps(START, DELTAS).merged(np.zeros(6)), START, strict=True):
        np.testing.assert_array_equal(array, like)


def test_slopes_along_each_of_them_for_several_gradients_at_once():
    gradients = [[RNG.normal(size=shape).astype(np.float32) for shape in SHAPES] for _ in range(3)]
    rows = np.stack([flatten(delta) for delta in DELTAS])
    wanted = [rows @ flatten(gradient) for gradient in gradients]
    np.testing.assert_allclose(Steps(START, DELTAS).along(gradients), wanted, atol=1e-4)
    np.testing.assert_array_equal(Steps(START, DELTAS).rows(), rows)


def test_counters_and_arrays_in_fortran_s_order_are_merged_as_well():
    start = [np.array([3, 4], np.int64), np.ones((2, 3), np.float32)]
    delta = [
        np.array([2, 0], np.int64),
        np.asfortranarray(np.arange(6.0, dtype="f4").reshape(2, 3)),
    ]
    counters, matrix = Steps(start, [delta, delta]).merged([0.5, 0.5])
    np.testing.assert_array_equal(counters, [5, 4])
    assert counters.dtype == np.int64
    np.testing.assert_array_equal(matrix, 1.0 + np.arange(6.0).reshape(2, 3))


def test_what_was_sent_is_left_as_it_is():
    before = [[array.copy() for array in delta] for delta in DELTAS]
    Steps(START, DELTAS).merged(np.ones(6))
    for delta, kept in zip(DELTAS, before, strict=True):
        for array, like in zip(delta, kept, strict=True):
            np.testing.assert_array_equal(array, like)
