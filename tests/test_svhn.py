"""SVHN's files: real ones, small ones, and damaged ones."""

import hashlib

import numpy as np
import pytest
from scipy.io import savemat

from fog_flower.data.sources.svhn import load_mat, load_svhn
from fog_flower.errors import UserError
from simulations import svhn


def write(folder, name, count, labels=None):
    rng = np.random.default_rng(count)
    labels = np.arange(count) % 10 + 1 if labels is None else labels
    images = rng.integers(0, 256, (32, 32, 3, count), dtype=np.uint8)
    savemat(folder / name, {"X": images, "y": labels.reshape(-1, 1).astype(np.uint8)})
    return images


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, "train_32x32.mat", 30)
    write(tmp_path, "test_32x32.mat", 20)
    return tmp_path


def test_the_real_head(svhn_head):
    data = load_svhn(str(svhn_head))
    assert data.name == "svhn-subset-480+120"
    assert (len(data.train), len(data.test)) == (480, 120)
    assert data.train.images.dtype == np.uint8
    assert data.train.images.shape == (480, 32, 32, 3)
    assert data.train.labels.dtype == np.int64
    assert set(data.train.labels) == set(range(10))
    assert data.train.labels[:6].tolist() == [1, 9, 2, 3, 2, 5]  # 19, 23, 25: the first houses


def test_axes_are_moved_and_10_means_0(tmp_path):
    raw = write(tmp_path, "train_32x32.mat", 3, np.array([10, 1, 9]))
    images, labels = load_mat(tmp_path / "train_32x32.mat")
    assert labels.tolist() == [0, 1, 9]
    np.testing.assert_array_equal(images[2], raw[:, :, :, 2])


def test_the_second_load_comes_from_the_cache_and_is_equal(folder):
    first = load_svhn(str(folder))
    second = load_svhn(str(folder))
    assert first.sha256 == second.sha256
    np.testing.assert_array_equal(first.train.images, second.train.images)


def test_missing_files_say_which_from_where_and_what_to_do(tmp_path):
    with pytest.raises(UserError) as error:
        load_svhn(str(tmp_path))
    for word in ("train_32x32.mat", *svhn.MD5.values(), svhn.URL, "data-dir=FOLDER"):
        assert word in str(error.value)


def test_without_network_there_is_no_fallback(monkeypatch):
    monkeypatch.setattr(svhn, "URL", "http://127.0.0.1:9/")
    with pytest.raises(UserError, match=r"could not be downloaded.*e26dedcc"):
        load_svhn("")


@pytest.mark.parametrize("keep", [0, 100, 5000])
def test_a_truncated_file_is_refused(folder, keep):
    path = folder / "train_32x32.mat"
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UserError, match=r"train_32x32.mat is corrupt or truncated"):
        load_svhn(str(folder))


def test_a_corrupt_file_is_refused(folder):
    path = folder / "test_32x32.mat"
    path.write_bytes(b"<html>not found</html>" * 100)
    with pytest.raises(UserError, match="corrupt"):
        load_svhn(str(folder))


@pytest.mark.parametrize(
    "content",
    [
        {"X": np.zeros((32, 32, 3, 2), np.uint8)},
        {"X": np.zeros((32, 32, 3, 2)), "y": np.ones((2, 1))},
        {"X": np.zeros((28, 28, 3, 2), np.uint8), "y": np.ones((2, 1))},
        {"X": np.zeros((32, 32, 3, 2), np.uint8), "y": np.ones((3, 1))},
        {"X": np.zeros((32, 32, 3, 2), np.uint8), "y": np.full((2, 1), 11)},
    ],
)
def test_wrong_arrays_are_refused(folder, content):
    savemat(folder / "train_32x32.mat", content)
    with pytest.raises(UserError, match=r"train_32x32.mat"):
        load_svhn(str(folder))


def test_a_full_size_file_must_have_the_official_checksum(folder, monkeypatch):
    monkeypatch.setitem(svhn.FULL_SIZE, "train_32x32.mat", 30)
    with pytest.raises(UserError, match="full-size but its MD5"):
        load_svhn(str(folder))
    digest = hashlib.md5((folder / "train_32x32.mat").read_bytes()).hexdigest()
    monkeypatch.setitem(svhn.MD5, "train_32x32.mat", digest)
    assert len(load_svhn(str(folder)).train) == 30
