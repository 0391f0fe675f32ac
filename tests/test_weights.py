import io

import numpy as np
import pytest
from flwr.app import Array, ArrayRecord

from fog_flower.weights import from_record, to_record, views_of

ARRAYS = [
    np.arange(6, dtype=np.float32).reshape(2, 3),
    np.asfortranarray(np.arange(6.0).reshape(2, 3)),
    np.array(3.5, np.float32),
    np.zeros((0, 4), np.float16),
    np.array([True, False]),
    np.arange(3, dtype=">i4"),
]


@pytest.mark.parametrize("read", [from_record, views_of])
def test_weights_are_read_as_flower_reads_them(read):
    record = to_record(ARRAYS)
    for array, flowers in zip(read(record), record.to_numpy_ndarrays(), strict=True):
        assert (array.dtype, array.shape) == (flowers.dtype, flowers.shape)
        assert array.flags.f_contiguous == flowers.flags.f_contiguous
        np.testing.assert_array_equal(array, flowers)


def test_views_are_no_copies_and_cannot_be_written_to():
    record = to_record(ARRAYS)
    (first, *_), (again, *_) = views_of(record), views_of(record)
    assert np.shares_memory(first, again)
    with pytest.raises(ValueError, match="read-only"):
        first[0, 0] = 1.0
    owned, *_ = from_record(record)
    owned[0, 0] = 7.0
    assert views_of(record)[0][0, 0] == 0.0


def sent(data, stype="numpy.ndarray"):
    return ArrayRecord({"0": Array("float32", (2,), stype, data)})


def saved(array, **kwargs):
    buffer = io.BytesIO()
    np.lib.format.write_array(buffer, array, **kwargs)
    return buffer.getvalue()


def test_the_longer_headers_of_other_versions_are_read():
    (array,) = views_of(sent(saved(np.ones(2, np.float32), version=(2, 0))))
    np.testing.assert_array_equal(array, [1.0, 1.0])


WHOLE = saved(np.ones(2, np.float32))


@pytest.mark.parametrize(
    "data",
    [
        b"",
        WHOLE[:9],
        WHOLE[:40],
        WHOLE[:-1],
        WHOLE.replace(b"(2,)", b"(9,)"),
        WHOLE.replace(b"(2,), } ", b"(-1,), }"),
        WHOLE.replace(b"<f4", b"|O8"),
        saved(np.array([{}], object), allow_pickle=True),
    ],
)
def test_bytes_that_are_no_array_are_refused(data):
    with pytest.raises((ValueError, OSError, EOFError)):
        views_of(sent(data))


def test_arrays_of_other_libraries_are_refused():
    with pytest.raises(TypeError, match="serialization"):
        views_of(sent(WHOLE, "torch.Tensor"))
