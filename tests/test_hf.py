"""Data sets of the hub, from local folders: parquet, csv, images; and without network."""

import time

import datasets
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from fog_flower.data.load import load_dataset
from fog_flower.data.request import Request
from fog_flower.data.sources.hf import hf
from fog_flower.data.split import split_dataset
from fog_flower.errors import UserError


def load(where, **arguments):
    return hf(Request(str(where), None, 0, 0, 0), **arguments)


def table(rows, seed=0):
    rng = np.random.default_rng(seed)
    return pd.DataFrame(
        {
            "width": rng.normal(size=rows),
            "rooms": rng.integers(1, 9, rows),
            "words": [list(rng.integers(0, 50, 6)) for _ in range(rows)],
            "uneven": [list(range(1 + n % 3)) for n in range(rows)],
            "kind": [("flat", "house", "hut")[n % 3] for n in range(rows)],
            "gap": [None if n == 3 else 1.0 for n in range(rows)],
        }
    )


@pytest.fixture
def parquet(tmp_path):
    for part, rows in (("train", 30), ("test", 20)):
        table(rows).to_parquet(tmp_path / f"{part}.parquet")
    return tmp_path


@pytest.fixture
def pictures(tmp_path):
    """Write folders of images as an image folder has them: the class is the folder."""
    for part, count in (("train", 6), ("test", 4)):
        for number, name in enumerate(("ant", "bee", "cat")):
            folder = tmp_path / "pictures" / part / name
            folder.mkdir(parents=True)
            for n in range(count):
                image = np.full((10, 12, 3), 80 * number + n, np.uint8)
                Image.fromarray(image).save(folder / f"{n}.png")
    return tmp_path / "pictures"


def test_a_folder_of_images(pictures):
    data = load(pictures)
    assert data.spec.shape == (10, 12, 3)
    assert data.task.names == ("ant", "bee", "cat")
    assert (len(data.train), len(data.test)) == (18, 12)
    for label in range(3):
        brightness = data.train.inputs[data.train.targets == label].mean()
        assert brightness == pytest.approx(80 * label + 2.5)
    assert data.name == "hf:pictures"
    assert load(pictures).sha256 == data.sha256  # decoded images come from the cache


def test_grey_images_have_one_channel_and_sizes_must_be_one(pictures):
    for path in pictures.rglob("*.png"):
        Image.open(path).convert("L").save(path)
    assert load(pictures).spec.shape == (10, 12, 1)
    Image.new("L", (7, 5)).save(next(pictures.rglob("*.png")))
    with pytest.raises(UserError, match=r"one size, not 7 x 5, 12 x 10: resize them first"):
        load(pictures)


def test_columns_of_parquet_as_rows_and_as_tokens(parquet):
    rows = load(parquet, inputs=("width", "rooms"), targets="kind")
    assert (rows.spec.shape, rows.spec.dtype) == ((2,), "float32")
    assert rows.task.names == ("flat", "house", "hut")
    expected = table(30)[["width", "rooms"]].to_numpy()
    np.testing.assert_allclose(rows.train.inputs, expected)
    whole = load(parquet, inputs=("rooms", "rooms"), targets="kind")
    assert not whole.spec.is_tokens
    tokens = load(parquet, inputs="words", targets="rooms")
    assert (tokens.spec.shape, tokens.spec.is_tokens) == ((6,), True)


def test_slices_of_a_split(parquet):
    data = load(parquet, inputs="words", targets="kind", train="train[:50%]", test="train[50%:]")
    assert (len(data.train), len(data.test)) == (15, 15)
    assert "train[:50%]" in data.origin


def one_folder(path, classes=3, count=20):
    """Write images of each class into a folder of its own; such data have a single split."""
    for name in "abcdef"[:classes]:
        (path / name).mkdir(parents=True)
        for n in range(count):
            Image.new("L", (8, 8), 100 + n).save(path / name / f"{n}.png")
    return path


def test_a_slice_of_images_that_are_sorted_by_class_is_refused(tmp_path, make_config):
    slices = "train='train[:80%]',test='train[80%:]'"
    sizes = {"train_examples": 0, "validation_examples": 6, "test_examples": 0}
    config = make_config(dataset=f"hf:{one_folder(tmp_path / 'abc')}", dataset_args=slices, **sizes)
    with pytest.raises(UserError, match=r"hf:abc, class 'a' has 20 .* none of the 12 test") as told:
        split_dataset(load_dataset(config), config)
    assert "test=0.2" in str(told.value)


def test_a_fraction_of_a_split_is_drawn_at_random_for_the_test(tmp_path, make_config):
    folder = one_folder(tmp_path / "abc")
    data, again = load(folder, test=0.2), load(folder, test=0.2)
    assert (len(data.train), len(data.test)) == (48, 12)
    assert [len(members) > 0 for members in data.task.groups(data.test.targets)] == [True] * 3
    assert data.sha256 == again.sha256
    assert "0.2 of train" in data.origin


def test_a_csv_folder(tmp_path):
    for part in ("train", "test"):
        table(12)[["width", "rooms", "kind"]].to_csv(tmp_path / f"{part}.csv", index=False)
    data = load(tmp_path, inputs=["width", "rooms"], targets="kind")
    assert data.train.inputs.shape == (12, 2)


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ({}, "say which columns are inputs and targets.*there are width .float64., rooms"),
        ({"inputs": "width"}, "say which columns"),
        ({"inputs": "size", "targets": "kind"}, "inputs='size': there is no such column"),
        ({"inputs": "width", "targets": "label"}, "targets='label': there is no such column"),
        ({"inputs": "uneven", "targets": "kind"}, "uneven.*not of one shape: pad them"),
        ({"inputs": "kind", "targets": "kind"}, "is text, e.g. 'flat', .*encode text and categor"),
        ({"inputs": ("width", "words"), "targets": "kind"}, "each must be a column of numbers"),
        (
            {"inputs": ("width", "gap"), "targets": "kind"},
            "'gap': 1 of 30 values are missing, .* row 3; fill in",
        ),
        (
            {"inputs": "words", "targets": "width"},
            "column 'width' of split 'train' holds numbers with decimals.*Regression is not built",
        ),
        (
            {"inputs": "words", "targets": "gap"},
            "column 'gap'.*1 of 30 are missing, the first at 3",
        ),
        (
            {"inputs": "words", "targets": "kind", "test": 1},
            "test=1: must be the name of a split, ",
        ),
        ({"inputs": "words", "targets": "kind", "test": 0.001}, "test=0.001: of 30 .* get none"),
        ({"inputs": "words", "targets": "kind", "test": "validation"}, "validation.*name splits"),
    ],
)
def test_wrong_columns_and_splits_are_named(parquet, arguments, words):
    with pytest.raises(UserError, match=words):
        load(parquet, **arguments)


def test_what_is_not_there_is_said_in_one_line(tmp_path, monkeypatch):
    with pytest.raises(UserError, match="there is no such folder"):
        load(tmp_path / "absent")
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(UserError, match="EmptyDatasetError") as nothing:
        load(empty)
    assert "without network" not in str(nothing.value)
    table(12).to_json(empty / "train.json", orient="records", lines=True)
    with pytest.raises(UserError, match=r"is a file; name its folder: dataset=hf:.*empty"):
        load(empty / "train.json")
    with pytest.raises(UserError, match=r"split 'test'.*test=0.2 to draw a fifth") as no_test:
        load(empty, inputs="width", targets="kind")
    assert "without network" not in str(no_test.value)
    with pytest.raises(UserError, match="name a data set of the hub"):
        load("")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    began = time.monotonic()
    with pytest.raises(UserError, match=r"hf:nobody/nothing.*use hf:/FOLDER") as caught:
        load("nobody/nothing")
    assert "\n" not in str(caught.value)
    assert time.monotonic() - began < 60


def test_a_damaged_image_is_named(pictures):
    next(pictures.rglob("*.png")).write_bytes(b"rubbish")
    with pytest.raises(UserError, match="an image cannot be decoded"):
        load(pictures)


def test_the_configuration_names_it(pictures, make_config):
    config = make_config(dataset=f"hf:{pictures}", dataset_args="targets='label',test='test'")
    assert load_dataset(config).name == "hf:pictures"
    with pytest.raises(UserError, match=r"dataset-args=column='label': dataset='hf:.*takes inputs"):
        load_dataset(make_config(dataset=f"hf:{pictures}", dataset_args="column='label'"))
