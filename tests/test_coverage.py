"""Training and held-out examples have the same classes, or the data are refused."""

import itertools

import numpy as np
import pytest

from fog_flower.data.coverage import missed
from fog_flower.data.load import load_dataset
from fog_flower.data.split import split_dataset
from fog_flower.errors import UserError


@pytest.fixture
def splits(tmp_path, make_config):
    """Return a function that splits rows with these labels."""
    numbers = itertools.count()

    def split(y_train, y_test, **settings):
        path = tmp_path / str(next(numbers)) / "mine.npz"  # the last one loaded is kept
        path.parent.mkdir()
        x_train, x_test = (np.zeros((len(labels), 3)) for labels in (y_train, y_test))
        np.savez(path, x_train=x_train, y_train=y_train, x_test=x_test, y_test=y_test)
        sizes = {"train_examples": 0, "validation_examples": 2, "test_examples": 0}
        config = make_config(dataset=f"npz:{path}", **{**sizes, **settings})
        return split_dataset(load_dataset(config), config)

    return split


LABELS = np.arange(600) % 3


def test_labels_that_begin_elsewhere_in_one_part_are_refused(splits):
    with pytest.raises(
        UserError,
        match=r"mine\.npz': of npz:mine\.npz, class '0' has none of the 200 training and 100 of the"
        r" 200 test examples; use the same classes for y_train and y_test",
    ):
        splits(np.arange(200) % 2 + 1, np.arange(200) % 2)


def test_a_single_held_out_example_of_a_class_that_nobody_can_learn_is_refused(splits):
    with pytest.raises(UserError, match="class '3' has none of the 600 training and 1 of the 50"):
        splits(LABELS, np.array([3, *LABELS[:49]]))


def test_parts_that_are_sorted_by_class_are_refused(splits):
    with pytest.raises(UserError, match=r"class '0' has 200 of .* and none of the 60 test") as told:
        splits(LABELS, np.full(60, 2))
    assert "shuffle them before you split" in str(told.value)


def test_only_the_largest_of_many_missing_classes_are_named(splits):
    with pytest.raises(UserError, match=r"'1' has .*, and 5 more classes are missing"):
        splits(np.arange(900) % 9, np.zeros(60, int))


def test_a_class_that_chance_leaves_out_is_no_error(splits):
    splits(np.array([*LABELS, 3]), LABELS[:100])  # one of 601
    splits(LABELS, np.array([0, 1, 0, 1, 1]))  # few


def test_small_draws_of_our_own_are_no_error(splits, make_config):
    splits(np.arange(600) % 50, np.arange(600) % 50, train_examples=12, test_examples=2)
    few = {"train_examples": 8, "validation_examples": 9, "test_examples": 3}
    config = make_config(dataset="rendered-digits", **few)
    split_dataset(load_dataset(config), config)  # digits that nobody has among the 8


def test_a_test_file_that_is_sorted_cannot_be_cut_in_its_order(splits):
    settings = {"held_out_order": "file", "validation_examples": 100}
    with pytest.raises(UserError, match=r"held-out-order='file'.*'1' has .* none of the 100 valid"):
        splits(LABELS, np.sort(LABELS), **settings)
    splits(LABELS, np.sort(LABELS), validation_examples=100)
    splits(LABELS, LABELS, **settings)


@pytest.mark.parametrize("classes", [2, 10, 100])
@pytest.mark.parametrize("size", [3, 10, 30, 300])
def test_random_draws_are_never_suspected(classes, size):
    rng = np.random.default_rng(classes * size)
    pool = np.bincount(rng.integers(0, classes, 5000), minlength=classes)
    for _ in range(100):
        drawn = rng.multinomial(size, pool / pool.sum())
        assert missed(pool.tolist(), drawn.tolist()) == []


def test_several_classes_together_are_suspected_sooner_than_each():
    assert missed([20, 20, 8], [0, 0, 12]) == [0, 1]
    assert missed([20, 20, 8], [0, 6, 6]) == []
