"""SVHN's files: real ones, small ones, in any container, and damaged ones of every kind."""

import numpy as np
import pytest
from scipy.io import savemat
from scipy.sparse import csc_matrix

from fog_flower.data.dataset import fingerprint
from fog_flower.data.request import Request
from fog_flower.data.sources import svhn as source
from fog_flower.data.sources.svhn import load_mat
from fog_flower.errors import UserError
from fog_flower.tasks.examples import Examples


def load(folder, argument=""):
    return source.svhn(Request(argument, folder, 0, 0, 0))


def arrays(count, labels=None):
    rng = np.random.default_rng(count)
    labels = np.arange(count) % 10 + 1 if labels is None else labels
    return {
        "X": rng.integers(0, 256, (32, 32, 3, count), dtype=np.uint8),
        "y": labels.reshape(-1, 1).astype(np.uint8),
    }


def write(folder, name, count, labels=None):
    content = arrays(count, labels)
    savemat(folder / name, content)
    return content["X"]


def as_matlab_73(path, content):
    """Write what MATLAB's own ``save -v7.3`` writes: HDF5, axes reversed, behind 512 bytes."""
    import h5py

    with h5py.File(path, "w", userblock_size=512) as file:
        for name, array in content.items():
            item = file.create_dataset(name, data=np.asarray(array).T)
            item.attrs["MATLAB_class"] = np.bytes_(np.asarray(array).dtype.name)
    with path.open("r+b") as file:
        file.write(b"MATLAB 7.3 MAT-file, Platform: GLNXA64".ljust(124) + b"\x00\x02IM")


@pytest.fixture
def folder(tmp_path):
    write(tmp_path, "train_32x32.mat", 30)
    write(tmp_path, "test_32x32.mat", 20)
    return tmp_path


def test_the_real_head(svhn_head):
    data = load(svhn_head)
    assert data.name == "svhn-subset-480+120"
    assert (len(data.train), len(data.test)) == (480, 120)
    assert data.train.inputs.dtype == np.uint8
    assert data.train.inputs.shape == (480, 32, 32, 3)
    assert data.train.targets.dtype == np.int64
    assert set(data.train.targets) == set(range(10))
    assert data.train.targets[:6].tolist() == [1, 9, 2, 3, 2, 5]  # 19, 23, 25: the first houses
    assert "train_32x32.mat: MATLAB v5, 480 digits, a subset" in data.describe()["origin"]


def test_axes_are_moved_and_10_means_0(tmp_path):
    raw = write(tmp_path, "train_32x32.mat", 3, np.array([10, 1, 9]))
    images, labels = load_mat(tmp_path / "train_32x32.mat")
    assert labels.tolist() == [0, 1, 9]
    np.testing.assert_array_equal(images[2], raw[:, :, :, 2])


def test_the_second_load_comes_from_the_cache_and_is_equal(folder):
    first = load(folder)
    second = load(folder)
    assert first.sha256 == second.sha256
    np.testing.assert_array_equal(first.train.inputs, second.train.inputs)


def container_of_matlab_73(folder, content):
    as_matlab_73(folder / "train_32x32.mat", content)


def container_of_npz(folder, content):
    (folder / "train_32x32.mat").unlink()
    np.savez(folder / "train_32x32.npz", **content)


def container_of_npz_images_first(folder, content):
    (folder / "train_32x32.mat").unlink()
    np.savez(folder / "train_32x32.npz", X=content["X"].transpose(3, 0, 1, 2), y=content["y"][:, 0])


def container_of_hdf5(folder, content):
    import h5py

    (folder / "train_32x32.mat").unlink()
    with h5py.File(folder / "train_32x32.h5", "w") as file:
        for name, array in content.items():
            file[name] = array


def container_of_other_types(folder, content):
    savemat(folder / "train_32x32.mat", {**content, "y": content["y"].astype(np.float64).T})


@pytest.mark.parametrize(
    ("rewrite", "container"),
    [
        (container_of_matlab_73, "train_32x32.mat: MATLAB v7.3"),
        (container_of_npz, "train_32x32.npz: npz"),
        (container_of_npz_images_first, "train_32x32.npz: npz"),
        (container_of_hdf5, "train_32x32.h5: HDF5"),
        (container_of_other_types, "train_32x32.mat: MATLAB v5"),
    ],
)
def test_the_same_digits_in_another_container_are_the_same_data(folder, rewrite, container):
    before = load(folder)
    rewrite(folder, arrays(30))
    after = load(folder)
    assert (after.name, after.sha256) == (before.name, before.sha256)
    np.testing.assert_array_equal(after.train.inputs, before.train.inputs)
    assert container in after.describe()["origin"]
    assert after.identity() == before.identity()  # a fog node may keep it in another container


def test_missing_files_say_which_from_where_and_what_to_do(tmp_path):
    with pytest.raises(UserError) as error:
        load(tmp_path)
    for word in ("train_32x32.mat", *source.MD5.values(), source.URL, "data-dir=FOLDER"):
        assert word in str(error.value)
    with pytest.raises(UserError, match="is not a folder"):
        load(tmp_path / "absent")


def test_without_network_there_is_no_fallback(monkeypatch):
    monkeypatch.setattr(source, "URL", "http://127.0.0.1:9/")
    with pytest.raises(UserError, match=r"could not be downloaded.*e26dedcc"):
        load(None)


@pytest.mark.parametrize("keep", [0, 100, 5000])
@pytest.mark.parametrize("write_container", [savemat, as_matlab_73])
def test_a_truncated_file_is_refused(folder, keep, write_container):
    path = folder / "train_32x32.mat"
    write_container(path, arrays(30))
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(UserError, match=r"train_32x32.mat is a corrupt or truncated MATLAB"):
        load(folder)


def test_a_header_of_matlab_73_without_content_is_named(folder):
    head = b"MATLAB 7.3 MAT-file".ljust(124) + b"\x00\x02IM"
    (folder / "test_32x32.mat").write_bytes(head + b"\x89HDF\r\n\x1a\n" + bytes(500))
    with pytest.raises(UserError, match=r"test_32x32.mat is a corrupt or truncated MATLAB v7.3"):
        load(folder)


def test_a_corrupt_file_is_refused(folder):
    path = folder / "test_32x32.mat"
    path.write_bytes(b"<html>not found</html>" * 100)
    with pytest.raises(UserError, match="corrupt"):
        load(folder)
    path.unlink()
    (folder / "test_32x32.npz").write_bytes(b"PK\x03\x04 rubbish")
    with pytest.raises(UserError, match="corrupt"):
        load(folder)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"X": np.zeros((32, 32, 3, 2))}, r"X is float64 \[32, 32, 3, 2\], not uint8"),
        ({"X": np.zeros((28, 28, 3, 2), np.uint8)}, r"X is uint8 \[28, 28, 3, 2\]"),
        ({"X": np.zeros((32, 32, 3), np.uint8)}, r"X is uint8 \[32, 32, 3\]"),
        ({"y": np.ones((3, 1))}, r"y is \[3, 1\], but X holds 2 images"),
        ({"y": np.full((2, 1), 11)}, "the label 11"),
        ({"y": np.full((2, 1), -1)}, "the label -1"),
        ({"y": np.full((2, 1), np.nan)}, "the label nan"),
        ({"y": np.full((2, 1), 1.5)}, "the label 1.5"),
        ({"y": csc_matrix(np.ones((2, 1)))}, "y is a sparse matrix.*save X as uint8"),
        ({"X": csc_matrix(np.ones((64, 96)))}, "X is a sparse matrix"),
        ({"y": np.array(["one", "two"], object)}, "y is a cell array"),
        ({"y": {"digit": np.ones(2)}}, "y is a struct"),
        ({"y": np.array(["one", "two"])}, "y is text"),
        ({"y": np.ones((2, 1), complex)}, "y is complex128"),
        ({"X": np.zeros((32, 32, 3, 0), np.uint8), "y": np.zeros((0, 1))}, "."),
        ({"y": None}, "has no array y; it has X"),
        ({"X": None, "y": None}, "has no array X and y"),
    ],
)
def test_wrong_arrays_are_refused_with_what_is_wrong(folder, changes, words):
    content = {"X": np.zeros((32, 32, 3, 2), np.uint8), "y": np.ones((2, 1)), **changes}
    kept = {name: array for name, array in content.items() if array is not None}
    savemat(folder / "train_32x32.mat", kept)
    with pytest.raises(UserError, match=rf"train_32x32.mat.*{words}"):
        load(folder)


def test_wrong_items_of_hdf5_and_npz_are_refused_too(folder):
    import h5py

    path = folder / "train_32x32.mat"
    with h5py.File(path, "w") as file:
        file["X"] = np.zeros((32, 32, 3, 2), np.uint8)
        file.create_group("y").attrs["MATLAB_sparse"] = 2
    with pytest.raises(UserError, match="y is a sparse matrix"):
        load(folder)
    with h5py.File(path, "w") as file:
        file["X"] = np.zeros((32, 32, 3, 2), np.uint8)
        file["y"] = ["one", "two"]
    with pytest.raises(UserError, match="y is a cell array"):
        load(folder)
    path.unlink()
    content = arrays(2)
    np.savez(folder / "train_32x32.npz", X=content["X"], y=np.array([{"a": 1}, 2], object))
    with pytest.raises(UserError, match="y holds Python objects, which are not unpickled"):
        load(folder)


def test_a_full_size_file_must_have_the_official_content(folder, monkeypatch):
    monkeypatch.setitem(source.FULL_SIZE, "train", 30)
    monkeypatch.setitem(source.OFFICIAL, "train", (30, "another"))
    with pytest.raises(UserError, match="as large as the official file, but its content is"):
        load(folder)
    monkeypatch.setitem(source.FULL_SIZE, "train", 29)
    with pytest.raises(UserError, match="holds 30 digits, but SVHN has 29"):
        load(folder)


def test_a_whole_training_file_and_the_head_of_the_test_file_are_named_as_that(folder, monkeypatch):
    images, labels = load_mat(folder / "train_32x32.mat")
    whole = fingerprint(Examples(images, labels))
    monkeypatch.setitem(source.FULL_SIZE, "train", 30)
    monkeypatch.setitem(source.OFFICIAL, "train", (30, whole))
    monkeypatch.setitem(source.SVHN_CLASS_COUNTS, "train", (3,) * 10)
    images, labels = load_mat(folder / "test_32x32.mat")
    monkeypatch.setitem(source.OFFICIAL, "test", (20, fingerprint(Examples(images, labels))))
    data = load(folder)
    assert data.name == "svhn-30+20"
    assert "30 digits, the official content" in data.origin
    assert "20 digits, the head of the official content" in data.origin
    # The whole test file: its known head, and as many of each digit as there should be.
    monkeypatch.setitem(source.OFFICIAL, "test", (10, _head(images, labels)))
    monkeypatch.setitem(source.FULL_SIZE, "test", 20)
    monkeypatch.setitem(source.SVHN_CLASS_COUNTS, "test", (2,) * 10)
    assert load(folder).name == "svhn"
    monkeypatch.setitem(source.SVHN_CLASS_COUNTS, "test", (1, 3, *[2] * 8))
    with pytest.raises(UserError, match="its content is different"):
        load(folder)


def _head(images, labels):
    return fingerprint(Examples(images[:10], labels[:10]))


def test_nothing_follows_a_colon(folder):
    with pytest.raises(UserError, match="dataset='svhn:cropped': svhn takes nothing"):
        load(folder, "cropped")
