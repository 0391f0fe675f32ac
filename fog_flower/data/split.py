"""Splits a data set into training, validation and untouched test examples.

The paper trains on 70,000 and validates on 10,000 images, together more than the training file has.
We take 70,000 of the training file, and the validation examples from the test file: drawn by the
seed or, with ``held-out-order=file``, its first ones. The test set, which influences no decision,
comes from the rest of the test file or, with ``test-source=spare``, of the training file.
"""

import dataclasses

import numpy as np

from fog_flower.config import FILE_ORDER, SPARE, TEST_FILE, RunConfig
from fog_flower.data.coverage import check_file_order, check_parts
from fog_flower.data.dataset import Dataset
from fog_flower.errors import UserError
from fog_flower.seeds import generator
from fog_flower.tasks.examples import Examples, Indices


@dataclasses.dataclass(frozen=True)
class Split:
    """Disjoint sets of examples.

    Attributes
    ----------
    train : int64 [n], positions in the training file
    validation : int64 [n], positions in the test file
    test : int64 [n], positions in the test file, or the training file if ``spare``
    spare : bool
    cloud : int64 [n], positions in the training file
    """

    train: Indices
    validation: Indices
    test: Indices
    spare: bool = False
    cloud: Indices = dataclasses.field(default_factory=lambda: np.zeros(0, np.int64))


def split_dataset(dataset: Dataset, config: RunConfig) -> Split:
    """Choose the examples of each set, by the run's seed.

    Raises
    ------
    UserError
        If more examples are requested than exist; the message names both numbers. Also if training
        and held-out examples do not have the same classes, see ``fog_flower.data.coverage``.
    """
    key = f"dataset={config.dataset!r}"
    check_parts(dataset, key)
    spare = config.test_source == SPARE
    available = {"training": len(dataset.train), "test": len(dataset.test)}
    train = config.train_examples
    if not train:
        train = available["training"] - config.cloud_examples
        train -= max(config.test_examples, 1) if spare else 0
    test = config.test_examples
    if not test:
        used = train + config.cloud_examples if spare else config.validation_examples
        test = max(available["training" if spare else "test"] - used, 1)
    needed = {
        "training": train + config.cloud_examples + (test if spare else 0),
        "test": config.validation_examples + (0 if spare else test),
    }
    for part, count in needed.items():
        if not 1 <= count <= available[part]:
            raise _too_few(dataset.name, config, part, count, available[part])
    train_order = generator(config.seed, "split-train").permutation(available["training"])
    test_order = generator(config.seed, "split-test").permutation(available["test"])
    if config.held_out_order == FILE_ORDER:
        test_order = np.arange(available["test"])
    validation, rest = np.split(test_order, [config.validation_examples])
    chosen = (train_order[train:] if spare else rest)[:test]
    own = train_order[len(train_order) - config.cloud_examples :]
    split = Split(
        np.sort(train_order[:train]), np.sort(validation), np.sort(chosen), spare, np.sort(own)
    )
    if config.held_out_order == FILE_ORDER:
        cut = {"validation": dataset.test.targets[split.validation]}
        if config.test_source == TEST_FILE:
            cut["test"] = dataset.test.targets[split.test]
        check_file_order(dataset, cut, f"{key}, held-out-order={FILE_ORDER!r}")
    return split


def held_out_sets(dataset: Dataset, split: Split) -> tuple[Examples, Examples]:
    """Return the validation and the test examples of the cloud."""
    source = dataset.train if split.spare else dataset.test
    return dataset.test.take(split.validation), source.take(split.test)


def _too_few(name: str, config: RunConfig, part: str, count: int, available: int) -> UserError:
    """Return the error for a part of the data with fewer examples than requested."""
    spare = config.test_source == SPARE
    asked = [
        f"train-examples={config.train_examples}"
        if part == "training"
        else f"validation-examples={config.validation_examples}"
    ]
    if spare == (part == "training"):  # where the test set comes from
        asked.append(f"test-examples={config.test_examples}")
    if part == "training":
        rest, left = "train-examples", available - config.cloud_examples
        left -= max(config.test_examples, 1) if spare else 0
    else:
        rest, left = "test-examples", available - config.validation_examples
    if left > 0:
        remedy = f"ask for fewer; {rest}=0 takes the {left} that the others leave"
    elif part == "training":
        remedy = "ask for fewer, also of cloud-examples"
    else:
        remedy = f"ask for at most validation-examples={available if spare else available - 1}"
    if part == "test" and not spare:
        remedy += "; or take the test set from spare training examples: test-source=spare"
    return UserError(
        f"{', '.join(asked)}: need {count} examples, but the {part} part of {name} has only "
        f"{available}; {remedy}"
    )
