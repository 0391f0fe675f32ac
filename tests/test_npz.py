"""A user's own arrays: taken as they are, or refused with the reason."""

import numpy as np
import pytest

from fog_flower.data.from_arrays import from_arrays
from fog_flower.data.request import Request
from fog_flower.data.sources.npz import npz
from fog_flower.errors import UserError
from tests.conftest import make_digits


def arrays(**changes):
    x, y = make_digits(20, 0)
    y = np.arange(20) % 10
    return {"x_train": x, "y_train": y, "x_test": x, "y_test": y} | changes


def _both(inputs):
    return {"x_train": inputs, "x_test": inputs}


def saved(tmp_path, **content):
    path = tmp_path / "mine.npz"
    np.savez(path, **content)
    return path


def load_npz(path, **arguments):
    return npz(Request(str(path), None, 0, 0, 0), **arguments)


def loaded(**changes):
    return from_arrays("mine", arrays(**changes), "dataset='mine'")


def test_loads_and_names_the_data(tmp_path):
    data = load_npz(saved(tmp_path, **arrays()))
    assert data.name == "npz:mine.npz"
    assert (len(data.train), len(data.test)) == (20, 20)


def test_labels_as_keras_ships_them_are_taken(tmp_path):
    labels = arrays()["y_train"].astype(np.uint8).reshape(-1, 1)
    assert load_npz(saved(tmp_path, **arrays(y_train=labels))).train.targets.dtype == np.int64


def test_mnist_as_keras_ships_it_loads_as_it_is(tmp_path):
    images = np.random.default_rng(0).integers(0, 256, (20, 28, 28), dtype=np.uint8)
    labels = (np.arange(20) % 10).astype(np.uint8)
    path = saved(tmp_path, x_train=images, y_train=labels, x_test=images, y_test=labels)
    data = load_npz(path)
    assert data.spec.shape == (28, 28, 1)
    assert data.spec.is_image
    np.testing.assert_array_equal(data.train.inputs[..., 0], images)
    assert data.task.classes == 10


@pytest.mark.parametrize(
    ("inputs", "shape", "dtype"),
    [
        (np.zeros((20, 28, 28, 3), np.uint8), (28, 28, 3), "float32"),
        (np.zeros((20, 9, 7), np.int64), (9, 7, 1), "float32"),
        (np.zeros((20, 9, 7), bool), (9, 7, 1), "float32"),
        (np.zeros((20, 9, 7, 2), np.float32), (9, 7, 2), "float32"),
        (np.zeros((20, 14)), (14,), "float32"),
        (np.zeros((20, 14), bool), (14,), "float32"),
        (np.zeros((20, 6, 14), np.float16), (6, 14), "float32"),
        (np.full((20, 14), 7), (14,), "int32"),
    ],
)
def test_what_inputs_are_follows_from_dtype_and_shape(inputs, shape, dtype):
    data = loaded(x_train=inputs, x_test=inputs)
    assert (data.spec.shape, data.spec.dtype) == (shape, dtype)
    seen = data.preprocess(data.train.inputs)
    assert (seen.shape[1:], seen.dtype) == (shape, dtype)
    assert data.spec.vocabulary == (8 if dtype == "int32" else 0)


def test_what_inputs_are_can_be_said(tmp_path):
    whole = np.arange(60).reshape(20, 3)
    path = saved(tmp_path, **arrays(x_train=whole, x_test=whole))
    assert load_npz(path).spec.is_tokens
    rows = load_npz(path, kind="rows")
    np.testing.assert_array_equal(rows.preprocess(rows.train.inputs), whole.astype(np.float32))
    with pytest.raises(UserError, match=r"kind='words': write one of auto, images, rows, tokens"):
        load_npz(path, kind="words")


def test_truth_values_are_black_and_white():
    pixels = np.zeros((20, 4, 4), bool)
    pixels[:, 0, 0] = True
    data = loaded(x_train=pixels, x_test=pixels)
    seen = data.preprocess(data.train.inputs)
    assert (seen[0, 0, 0, 0], seen[0, 1, 1, 0]) == (1.0, -1.0)


@pytest.mark.parametrize(
    ("labels", "codes", "names"),
    [
        (np.arange(20) % 10, np.arange(20) % 10, ()),
        (np.arange(20) % 3 + 1, np.arange(20) % 3, ("1", "2", "3")),
        (np.arange(20) % 3 * 5, np.arange(20) % 3, ("0", "5", "10")),
        (np.array([-1, 1] * 10), np.array([0, 1] * 10), ("-1", "1")),
        (np.array([True, False] * 10), np.array([1, 0] * 10), ("False", "True")),
        (np.array(["cat", "ant"] * 10), np.array([1, 0] * 10), ("ant", "cat")),
        (np.array(["cat", "ant"] * 10, object), np.array([1, 0] * 10), ("ant", "cat")),
    ],
)
def test_the_distinct_labels_are_the_classes(labels, codes, names):
    data = loaded(y_train=labels, y_test=labels)
    np.testing.assert_array_equal(data.train.targets, codes)
    assert data.train.targets.dtype == np.int64
    assert data.task.names == names
    assert data.task.classes == len(np.unique(labels))


def test_a_class_that_only_the_test_part_has_is_a_class():
    data = loaded(y_train=np.arange(20) % 3, y_test=np.arange(20) % 4)
    assert data.task.classes == 4
    assert [len(members) for members in data.task.groups(data.train.targets)] == [7, 7, 6, 0]


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        (
            {"x_train": np.zeros((20, 32, 32, 1), np.uint8)},
            r"of train are \[32, 32, 1\], of test .*; give them one shape",
        ),
        ({"x_train": np.full((20, 8, 8, 3), 300)}, "must be 0 to 255, but reach from 0 to 300"),
        ({"x_train": np.full((20, 8, 8, 3), 255.0)}, "float images reach from 0 to 255: divide"),
        (
            {"x_train": np.full((20, 5), np.nan)},
            "train: rows must be finite: 20 of 20 are not, the first at 0; fill in or drop",
        ),
        ({"x_train": np.full((20, 5), 1e300)}, "must fit into float32"),
        ({"x_train": np.zeros(20)}, r"one number each: x\[:, None\]"),
        ({"x_train": np.zeros((20, 0))}, r"must be numbers \[n, ...\]"),
        ({"x_train": np.zeros((20, 3), complex)}, "x_train must be an array of numbers, not compl"),
        ({"x_train": np.array(["a"] * 20)}, "x_train is text, e.g. 'a'.*encode text and categor"),
        ({"x_train": np.array([None] * 20)}, "x_train must be an array of numbers, not object"),
        ({"x_train": [[1], [2, 3]]}, "x_train is not an array.*pad them"),
        ({"x_train": np.full((20, 5), -1), "x_test": np.zeros((20, 5), int)}, "reach from -1"),
        ({"x_train": np.full((20, 5), 2**40)}, "must fit into int32"),
        ({"y_train": np.full(20, -1)}, "a label -1"),
        ({"y_test": np.zeros(19, np.int64)}, "x_test has 20 examples, but y_test 19"),
        ({"y_train": np.zeros(20)}, "not float64.*use y.astype"),
        ({"y_train": np.full(20, np.nan)}, "20 of 20 are missing, the first at 0.; .*y.astype"),
        (
            {"y_train": np.linspace(1, 2, 20)},
            "y_train holds numbers with decimals, e.g. 1.05.*Regression is not built in.*plug-in",
        ),
        (_both(np.full((20, 8, 8), 16.0)), "divide them by 16 and add a last axis.*kind='rows'"),
        (_both(np.full((20, 8, 8), 16)), "nearly black.*divide them by 16.*kind='images'"),
        ({"y_train": np.eye(20)}, r"one-hot labels: use y.argmax\(axis=1\)"),
        ({"y_train": np.eye(20, dtype=int)}, "one-hot"),
        ({"y_train": np.array(["a"] * 20)}, "one holds text, the other numbers"),
        (
            {"y_train": np.array(["a", None] * 10)},
            "y_train must be.*10 of 20 are missing, the first at 1",
        ),
        ({"y_train": np.full(20, 3), "y_test": np.full(20, 3)}, "every label is 3"),
        ({"y_train": 3}, r"y_train must be an array of numbers or text, not int64 \[\]"),
        (
            {"x_test": np.zeros((0, 32, 32, 3), np.uint8), "y_test": np.zeros(0, int)},
            "x_test has no examples",
        ),
    ],
)
def test_wrong_arrays_are_refused(changes, words):
    with pytest.raises(UserError, match=words):
        loaded(**changes)


def test_objects_are_not_unpickled(tmp_path):
    with pytest.raises(UserError, match="without pickle"):
        load_npz(saved(tmp_path, **arrays(x_test=np.array([{"a": 1}] * 20))))


def test_missing_arrays_missing_files_and_rubbish(tmp_path):
    content = arrays()
    del content["y_test"]
    with pytest.raises(UserError, match="lacks y_test; it has x_train"):
        load_npz(saved(tmp_path, **content))
    with pytest.raises(UserError, match="no such file"):
        load_npz(tmp_path / "absent.npz")
    rubbish = tmp_path / "rubbish.npz"
    for content in (b"", b"rubbish", b"PK\x03\x04rubbish", b"\x80\x04cos\nsystem\n."):
        rubbish.write_bytes(content)
        with pytest.raises(UserError, match=r"rubbish.npz"):
            load_npz(rubbish)
    with pytest.raises(UserError, match="name a file"):
        load_npz("")


def test_a_truncated_file_is_refused(tmp_path):
    path = saved(tmp_path, **arrays())
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(UserError):
        load_npz(path)
