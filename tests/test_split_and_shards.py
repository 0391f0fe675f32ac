"""Who gets which image: disjoint, seeded, stratified, and never more than there are."""

import dataclasses

import numpy as np
import pytest

from fog_flower.data.dataset import Dataset
from fog_flower.data.load import load_dataset
from fog_flower.data.preprocess import fit_normaliser, middle_grey
from fog_flower.data.shards import assign_shards
from fog_flower.data.split import held_out_sets, split_dataset
from fog_flower.errors import UserError
from fog_flower.tasks.examples import Examples
from fog_flower.topology import Topology
from tests.conftest import TASK, make_digits
from tests.runs import run_here, summary

TRAIN, TEST = Examples(*make_digits(300, 1)), Examples(*make_digits(200, 2))
DATA = Dataset("bars", "0", TRAIN, TEST, TASK, middle_grey(3))
LABELS = np.random.default_rng(0).integers(0, 10, 3000)


def test_sets_are_disjoint_and_as_large_as_asked(make_config):
    split = split_dataset(
        DATA, make_config(train_examples=250, validation_examples=120, test_examples=50)
    )
    assert [len(part) for part in (split.train, split.validation, split.test)] == [250, 120, 50]
    assert len(np.unique(split.train)) == 250
    assert not set(split.validation) & set(split.test)


def test_zero_means_all_that_is_left(make_config):
    split = split_dataset(
        DATA, make_config(train_examples=0, validation_examples=120, test_examples=0)
    )
    assert (len(split.train), len(split.test)) == (300, 80)


def test_the_seed_decides(make_config):
    one, same, other = (
        split_dataset(DATA, make_config(train_examples=100, seed=seed)) for seed in (1, 1, 2)
    )
    np.testing.assert_array_equal(one.train, same.train)
    np.testing.assert_array_equal(one.test, same.test)
    assert not np.array_equal(one.train, other.train)
    assert not np.array_equal(one.validation, other.validation)


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"train_examples": 301}, "train-examples=301.*only 300"),
        (
            {"train_examples": 0, "validation_examples": 150, "test_examples": 51},
            "need 201.*only 200",
        ),
        (
            {"train_examples": 0, "validation_examples": 200, "test_examples": 0},
            "need 201.*only 200",
        ),
    ],
)
def test_more_than_there_is_names_both_numbers(make_config, asked, words):
    with pytest.raises(UserError, match=words):
        split_dataset(DATA, make_config(**asked))


@pytest.mark.parametrize(("fog", "end"), [(3, 6), (5, 6), (7, 6), (1, 1), (64, 1)])
def test_iid_shards_are_near_equal_disjoint_complete_and_stratified(fog, end):
    shards = assign_shards(TASK, LABELS, Topology(fog, end), "iid", seed=0)
    everything = np.concatenate([s for node in shards for s in node])
    assert np.array_equal(np.sort(everything), np.arange(len(LABELS)))
    fog_sizes = [sum(map(len, node)) for node in shards]
    assert max(fog_sizes) - min(fog_sizes) <= 1
    for node in shards:
        sizes = [len(shard) for shard in node]
        assert max(sizes) - min(sizes) <= 1
    counts = np.array([np.bincount(LABELS[np.concatenate(node)], minlength=10) for node in shards])
    assert (counts.max(axis=0) - counts.min(axis=0) <= 1).all()


def test_shards_depend_on_the_seed_alone():
    one, same, other = (
        assign_shards(TASK, LABELS, Topology(3, 2), "iid", seed) for seed in (1, 1, 2)
    )
    assert all(
        np.array_equal(a, b)
        for x, y in zip(one, same, strict=True)
        for a, b in zip(x, y, strict=True)
    )
    assert not np.array_equal(one[0][0], other[0][0])


@pytest.mark.parametrize(
    "partition",
    ["dirichlet:0.3", "pathological:2", "shard:2", "linear", "square", "exponential"],
)
def test_skewed_shards_are_complete_seeded_and_skewed(partition):
    one, same = (assign_shards(TASK, LABELS, Topology(3, 2), partition, seed=5) for _ in range(2))
    nodes = [np.concatenate(node) for node in one]
    together = np.sort(np.concatenate(nodes))
    if partition.startswith("pathological"):  # uses only the classes that it gave to somebody
        assert len(np.unique(together)) == len(together)
    else:
        assert np.array_equal(together, np.arange(len(LABELS)))
    assert all(np.array_equal(a, np.concatenate(b)) for a, b in zip(nodes, same, strict=True))
    counts = np.array([np.bincount(LABELS[node], minlength=10) for node in nodes])
    assert (counts.max(axis=0) - counts.min(axis=0) > 20).any()


@pytest.mark.parametrize(
    ("partition", "words"),
    [
        ("uniform", "partition='uniform': choose from dirichlet, exponential, iid"),
        ("dirichlet", "dirichlet:ALPHA"),
        ("dirichlet:x", "dirichlet:ALPHA"),
        ("dirichlet:-1", "partition='dirichlet:-1'"),
        ("linear:2", "takes no value"),
        ("pathological:11", "partition='pathological:11'"),
    ],
)
def test_wrong_partitions_are_named(partition, words):
    with pytest.raises(UserError, match=words):
        assign_shards(TASK, LABELS, Topology(3, 2), partition, seed=0)


def test_too_few_images_for_the_end_nodes():
    with pytest.raises(UserError, match="train-examples=5 is too few for 3 fog nodes x 2"):
        assign_shards(TASK, LABELS[:5], Topology(3, 2), "iid", seed=0)


def test_normaliser_standardises_the_training_set():
    images, _ = make_digits(500, 3)
    normaliser = fit_normaliser(images)
    standardised = normaliser(images)
    assert standardised.dtype == np.float32
    exact = standardised.astype(np.float64)
    np.testing.assert_allclose(exact.mean((0, 1, 2)), 0, atol=1e-6)
    np.testing.assert_allclose(exact.std((0, 1, 2)), 1, atol=1e-6)
    expected = (images / 255 - normaliser.mean) / normaliser.deviation
    np.testing.assert_allclose(standardised, expected, atol=1e-6)


def test_a_constant_channel_is_not_divided_by_zero():
    images = np.full((5, 32, 32, 3), 7, np.uint8)
    assert np.isfinite(fit_normaliser(images)(images)).all()


@pytest.mark.parametrize(
    ("dataset", "words"),
    [
        ("mnits", "choose from .*rendered-digits, svhn.*did you mean mnist"),
        ("npz:relative.npz", "must be absolute"),
    ],
)
def test_unknown_datasets_are_named(make_config, dataset, words):
    with pytest.raises(UserError, match=words):
        load_dataset(make_config(dataset=dataset))


def as_large_as_svhn():
    """The whole training file of SVHN and the first 10,000 test digits, in no memory."""

    def part(count):
        images = np.broadcast_to(np.zeros((1, 32, 32, 3), np.uint8), (count, 32, 32, 3))
        return Examples(images, np.arange(count) % 10)

    return Dataset("svhn-73257+10000", "0", part(73_257), part(10_000), TASK, middle_grey(3))


@pytest.mark.parametrize("test_examples", [0, 3257])
def test_the_papers_numbers_with_a_test_set_of_spare_training_examples(make_config, test_examples):
    sizes = {"train_examples": 70_000, "validation_examples": 10_000}
    data = as_large_as_svhn()
    config = make_config(**sizes, test_examples=test_examples, test_source="spare")
    split = split_dataset(data, config)
    assert [len(part) for part in (split.train, split.validation, split.test)] == [
        *(70_000, 10_000, 3257)
    ]
    assert not set(split.train) & set(split.test)
    validation, test = held_out_sets(data, split)
    assert (len(validation), len(test)) == (10_000, 3257)
    np.testing.assert_array_equal(test.targets, data.train.targets[split.test])


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"test_examples": 3258, "test_source": "spare"}, "test-examples=3258: need 73258 exam"),
        ({"test_examples": 3257}, "need 13257 examples, but the test part.*test-source=spare"),
        ({"test_examples": 0}, "need 10001 examples.*test-source=spare"),
        (
            {"validation_examples": 10_001, "test_source": "spare"},
            "validation-examples=10001: need 10001 examples, but the test part",
        ),
    ],
)
def test_what_the_files_do_not_have_is_refused_with_the_way_out(make_config, settings, words):
    sizes = {"train_examples": 70_000, "validation_examples": 10_000, **settings}
    with pytest.raises(UserError, match=words):
        split_dataset(as_large_as_svhn(), make_config(**sizes))


def test_the_first_examples_of_the_test_file_validate_whatever_the_seed_and_the_file(make_config):
    """Whoever has all of SVHN's test digits validates with the same, and may test with the others.

    With one key: ``test-source``.
    """
    head = as_large_as_svhn()
    whole = dataclasses.replace(head, name="svhn", test=head.train.take(np.arange(26_032)))
    sizes = {"train_examples": 70_000, "validation_examples": 10_000, "test_examples": 0}
    for seed in (0, 1):
        config = make_config(**sizes, seed=seed, test_source="spare", held_out_order="file")
        for data in (head, whole):
            split = split_dataset(data, config)
            np.testing.assert_array_equal(split.validation, np.arange(10_000))
            assert len(split.test) == 3257
        others = split_dataset(whole, config.changed({"test-source": "test"}))
        np.testing.assert_array_equal(others.validation, np.arange(10_000))
        np.testing.assert_array_equal(others.test, np.arange(10_000, 26_032))
        np.testing.assert_array_equal(others.train, split.train)
    drawn = split_dataset(whole, make_config(**sizes, test_source="spare"))
    assert not np.array_equal(drawn.validation, np.arange(10_000))


def test_spare_examples_without_numbers_leave_one_to_test_with(make_config):
    config = make_config(train_examples=0, test_examples=0, test_source="spare")
    split = split_dataset(DATA, config)
    assert (len(split.train), len(split.test)) == (299, 1)
    assert not set(split.train) & set(split.test)


def test_a_run_with_spare_test_examples_says_so(make_config):
    config = make_config(test_source="spare", train_examples=200, num_server_rounds=1)
    facts = summary(run_here(config))["data"]
    assert (facts["test_source"], facts["test_examples"]) == ("spare", 100)
