"""Arrays that are mostly zeros: what comes out is what went in, and hostile bytes are refused."""

import numpy as np
import pytest
from flwr.app import ArrayRecord
from flwr.common import Array

from fog_flower.sparse import KEY, from_sparse_record, is_sparse, to_sparse_record
from fog_flower.weights import to_record

RNG = np.random.default_rng(0)


def mostly_zero(fraction, shapes=((300, 200), (7,), (), (0, 3))):
    arrays = [np.asarray(RNG.normal(size=shape), np.float32) for shape in shapes]
    return [np.where(RNG.random(a.shape) < fraction, a, 0).astype(np.float32) for a in arrays]


@pytest.mark.parametrize("fraction", [0.0, 0.001, 0.1, 1.0])
def test_what_comes_out_is_what_went_in(fraction):
    arrays = mostly_zero(fraction)
    record = to_sparse_record(arrays)
    assert is_sparse(record)
    assert not is_sparse(to_record(arrays))
    for found, want in zip(from_sparse_record(record, arrays), arrays, strict=True):
        np.testing.assert_array_equal(found, want)
        assert found.shape == want.shape


@pytest.mark.parametrize(("fraction", "most"), [(0.1, 0.125), (0.01, 0.015)])
def test_it_takes_few_bytes(fraction, most):
    arrays = mostly_zero(fraction, ((2000, 1000),))
    assert len(to_sparse_record(arrays)[KEY].data) < most * arrays[0].nbytes


def test_a_gap_of_any_length():
    array = np.zeros(5_000_000, np.float32)
    array[[0, 1, 127, 129, 20_000, 4_999_999]] = 1.0
    (found,) = from_sparse_record(to_sparse_record([array]), [array])
    np.testing.assert_array_equal(found, array)


def test_values_that_are_not_finite_stay():
    array = np.array([0, np.nan, np.inf, -np.inf], np.float32)
    (found,) = from_sparse_record(to_sparse_record([array]), [array])
    np.testing.assert_array_equal(found, array)


def test_other_dtypes_are_refused():
    with pytest.raises(ValueError, match="only float32"):
        to_sparse_record([np.zeros(3)])


def test_hostile_bytes_raise_value_errors_alone():
    arrays = mostly_zero(0.1, ((40, 5),))
    good = to_sparse_record(arrays)[KEY].numpy()
    refused = 0
    for number in range(400):
        bad = good.copy()
        if number % 3 == 0:
            bad = bad[: RNG.integers(0, len(bad))]
        else:
            bad[RNG.integers(0, len(bad), 3)] = RNG.integers(0, 256, 3)
        record = ArrayRecord()
        record[KEY] = Array(bad)
        try:
            (found,) = from_sparse_record(record, arrays)
            assert found.shape == (40, 5)
        except ValueError:
            refused += 1
    assert refused > 100


def test_more_values_than_there_can_be_take_no_memory():
    record = ArrayRecord()
    head = np.array([2**40, 8], "<u8").tobytes()
    record[KEY] = Array(np.frombuffer(head + bytes(8), np.uint8))
    with pytest.raises(ValueError, match="tells of 1099511627776 values of 3"):
        from_sparse_record(record, [np.zeros(3, np.float32)])
