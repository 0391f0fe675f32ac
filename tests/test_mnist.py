"""MNIST's IDX files: compressed or not, the official ones, smaller ones, and damaged ones."""

import gzip
import struct
from pathlib import Path

import numpy as np
import pytest

from fog_flower.data.dataset import fingerprint
from fog_flower.data.request import Request
from fog_flower.data.sources import mnist as source
from fog_flower.errors import UserError
from fog_flower.tasks.examples import Examples
from tests.conftest import SVHN_HEAD

OFFICIAL = SVHN_HEAD.parent / "mnist"


def load(folder):
    return source.mnist(Request("", folder, 0, 0, 0))


def idx(array: np.ndarray) -> bytes:
    head = struct.pack(f">BBBB{array.ndim}I", 0, 0, 8, array.ndim, *array.shape)
    return head + array.astype(np.uint8).tobytes()


def content(count: int) -> tuple[np.ndarray, np.ndarray]:
    images = np.random.default_rng(count).integers(0, 256, (count, 28, 28))
    return images, np.arange(count) % 10


@pytest.fixture
def folder(tmp_path) -> Path:
    for part, count in (("train", 30), ("t10k", 20)):
        images, labels = content(count)
        (tmp_path / f"{part}-images-idx3-ubyte").write_bytes(idx(images))
        (tmp_path / f"{part}-labels-idx1-ubyte").write_bytes(idx(labels))
    return tmp_path


def test_the_official_files():
    if not OFFICIAL.is_dir():
        pytest.skip(f"the official files are not at {OFFICIAL}")
    data = load(OFFICIAL)
    assert data.name == "mnist"
    assert (len(data.train), len(data.test)) == (60_000, 10_000)
    assert data.spec.shape == (28, 28, 1)
    assert data.train.targets[:5].tolist() == [5, 0, 4, 1, 9]
    standardised = data.preprocess(data.train.inputs[:10_000])
    assert abs(standardised.mean()) < 0.01
    assert abs(standardised.std() - 1) < 0.01


def test_a_subset_is_named_as_that(folder):
    data = load(folder)
    assert data.name == "mnist-subset-30+20"
    np.testing.assert_array_equal(data.train.inputs[..., 0], content(30)[0])
    assert data.test.targets.tolist() == content(20)[1].tolist()


def test_compressed_files_and_dotted_names_hold_the_same(folder, tmp_path):
    before = load(folder)
    for path in list(folder.glob("*-ubyte")):
        dotted = path.name.replace("-idx", ".idx")
        path.with_name(f"{dotted}.gz").write_bytes(gzip.compress(path.read_bytes()))
        path.unlink()
    after = load(folder)
    assert (after.name, after.sha256) == (before.name, before.sha256)
    assert "train-images.idx3-ubyte.gz" in after.origin


def test_the_content_is_judged_and_not_the_file(folder, monkeypatch):
    for part, count in (("train", 30), ("test", 20)):
        images, labels = content(count)
        inputs = images[..., None].astype(np.uint8)
        monkeypatch.setitem(
            source.OFFICIAL, part, fingerprint(Examples(inputs, labels.astype(np.int64)))
        )
        monkeypatch.setitem(source.FULL_SIZE, part, count)
    assert load(folder).name == "mnist"
    monkeypatch.setitem(source.OFFICIAL, "train", "another")
    with pytest.raises(UserError, match="but they are not MNIST's; for another data set"):
        load(folder)


@pytest.mark.parametrize(
    ("damaged", "words"),
    [
        (lambda raw: raw[:-1], "is truncated or damaged"),
        (lambda raw: raw + b"\0", "is truncated or damaged"),
        (lambda raw: raw[:7], "is truncated in its header"),
        (lambda raw: b"", "is not an IDX file"),
        (lambda raw: b"<html>not found</html>", "is not an IDX file"),
        (lambda raw: raw[:2] + b"\x0d" + raw[3:], "another kind"),
        (lambda raw: gzip.compress(raw)[:50], "damaged or truncated gzip"),
        (lambda raw: gzip.compress(raw)[:-8] + bytes(8), "damaged or truncated gzip"),
        (lambda raw: idx(np.zeros((30, 32, 32))), r"must hold images \[n, 28, 28\]"),
        (lambda raw: idx(np.zeros((29, 28, 28))), "holds 29 images"),
        (lambda raw: struct.pack(">BBBB3I", 0, 0, 8, 3, 2**32 - 1, 2**32 - 1, 28), "takes"),
    ],
)
def test_a_damaged_file_is_refused_with_what_is_wrong(folder, damaged, words):
    path = folder / "train-images-idx3-ubyte"
    path.write_bytes(damaged(path.read_bytes()))
    with pytest.raises(UserError, match=rf"dataset='mnist'.*{words}"):
        load(folder)


def test_wrong_labels_and_missing_files_are_named(folder):
    (folder / "t10k-labels-idx1-ubyte").write_bytes(idx(np.full(20, 10)))
    with pytest.raises(UserError, match="t10k-labels-idx1-ubyte has the label 10"):
        load(folder)
    (folder / "t10k-labels-idx1-ubyte").unlink()
    with pytest.raises(UserError, match=r"lacks t10k-labels-idx1-ubyte.*MD5.*data-dir=FOLDER"):
        load(folder)
    with pytest.raises(UserError, match="is not a folder"):
        load(folder / "absent")


def test_without_network_there_is_no_fallback(monkeypatch):
    monkeypatch.setattr(source, "URL", "http://127.0.0.1:9/")
    with pytest.raises(UserError, match=r"train-images.*could not be downloaded.*f68b3c2d"):
        load(None)
