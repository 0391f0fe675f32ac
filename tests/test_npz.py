"""A user's own arrays: taken as they are, or refused with the reason."""

import numpy as np
import pytest

from fog_flower.data.sources.npz import load_npz
from fog_flower.errors import UserError
from tests.conftest import make_digits


def arrays(**changes):
    x, y = make_digits(20, 0)
    return {"x_train": x, "y_train": y, "x_test": x, "y_test": y} | changes


def saved(tmp_path, **content):
    path = tmp_path / "mine.npz"
    np.savez(path, **content)
    return path


def test_loads_and_names_the_data(tmp_path):
    data = load_npz(saved(tmp_path, **arrays()))
    assert data.name == "npz:mine.npz"
    assert (len(data.train), len(data.test)) == (20, 20)


def test_labels_as_keras_ships_them_are_taken(tmp_path):
    labels = arrays()["y_train"].astype(np.uint8).reshape(-1, 1)
    assert load_npz(saved(tmp_path, **arrays(y_train=labels))).train.labels.dtype == np.int64


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"x_train": np.zeros((20, 28, 28, 3), np.uint8)}, "x_train, y_train: images must be"),
        ({"x_train": np.zeros((20, 32, 32, 3), np.float32)}, "float32"),
        ({"y_train": np.arange(20)}, "labels must be 0 to 9"),
        ({"y_train": np.full(20, -1)}, "labels must be 0 to 9"),
        ({"y_test": np.zeros(19, np.int64)}, "for 20 images"),
        ({"y_train": np.zeros(20)}, "labels must be int64"),
        ({"x_test": np.array([{"a": 1}] * 20)}, "without pickle"),
        ({"x_test": np.zeros((0, 32, 32, 3), np.uint8), "y_test": np.zeros(0, int)}, "no images"),
    ],
)
def test_wrong_arrays_are_refused(tmp_path, changes, words):
    with pytest.raises(UserError, match=words):
        load_npz(saved(tmp_path, **arrays(**changes)))


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


def test_a_truncated_file_is_refused(tmp_path):
    path = saved(tmp_path, **arrays())
    path.write_bytes(path.read_bytes()[:3000])
    with pytest.raises(UserError):
        load_npz(path)
