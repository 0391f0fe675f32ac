"""TensorFlow reads a fog node's images where they lie, and any other array all the same."""

import numpy as np
import pytest

from clients.fog_node import gather
from clients.node_store import stored_data
from clients.shared_tensor import ALIGNMENT, shared_tensor
from clients.shipment import pack
from fog_flower.tasks.examples import Examples
from tests.conftest import SPEC, TASK

VALUES = np.arange(6 * 32, dtype=np.float32).reshape(6, 32)


def aligned(offset: int) -> np.ndarray:
    """Return VALUES in memory that starts ``offset`` bytes behind an aligned address."""
    memory = np.zeros(VALUES.nbytes + 2 * ALIGNMENT, np.uint8)
    start = -memory.ctypes.data % ALIGNMENT + offset
    array = memory[start : start + VALUES.nbytes].view(np.float32).reshape(VALUES.shape)
    array[:] = VALUES
    return array


def read_only() -> np.ndarray:
    array = aligned(0)
    array.flags.writeable = False
    return array


def test_an_aligned_array_is_read_where_it_lies():
    array = aligned(0)
    tensor = shared_tensor(array)
    array[2, 3] = -1.0
    assert float(tensor[2, 3]) == -1.0


def test_the_memory_outlives_the_array():
    tensor = shared_tensor(aligned(0))
    np.testing.assert_array_equal(tensor.numpy(), VALUES)


@pytest.mark.parametrize(
    ("array", "expected"),
    [
        (aligned(4), VALUES),
        (aligned(0)[:, ::2], VALUES[:, ::2]),
        (aligned(0)[1:, :1], VALUES[1:, :1]),
        (read_only(), VALUES),
        (aligned(0)[:0], VALUES[:0]),
    ],
    ids=["unaligned", "strided", "column", "read-only", "empty"],
)
def test_any_other_array_has_the_same_values(array, expected):
    np.testing.assert_array_equal(shared_tensor(array).numpy(), expected)


def test_stored_images_are_shared_and_writing_to_them_stays_here(tmp_path):
    def build():
        images = np.ones((4, 32, 32, 3), np.float32)
        return gather(0, [(0, pack(Examples(images, np.arange(4))))], SPEC, TASK)

    here, elsewhere = (stored_data(tmp_path / "node", build) for _ in range(2))
    tensor = shared_tensor(here.inputs)
    here.inputs[1, 2, 3, 0] = 7.0
    assert float(tensor[1, 2, 3, 0]) == 7.0
    assert elsewhere.inputs[1, 2, 3, 0] == 1.0
    assert np.load(tmp_path / "node" / "inputs.npy").max() == 1.0
