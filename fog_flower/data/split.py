"""Training, validation and an untouched test set.

The paper trains on 70,000 and validates on 10,000 images, which is more than the training file
has. Our reading: 70,000 of the training file; validation from the test file; what validation
leaves there is the test set, which selects nothing (README, Deviations).
"""

import dataclasses

import numpy as np
import numpy.typing as npt

from fog_flower.config import RunConfig
from fog_flower.data.images import CLASSES, Dataset, LabelledImages, Labels
from fog_flower.errors import UserError
from fog_flower.seeds import generator

Indices = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class Split:
    """Disjoint indices; ``train`` into the training part, the others into the test part."""

    train: Indices
    validation: Indices
    test: Indices


def split_dataset(dataset: Dataset, config: RunConfig) -> Split:
    """Choose the images of each set, seeded by the run.

    Raises
    ------
    UserError
        If more images are asked for than there are; it names both numbers.
    """
    train = config.train_images or len(dataset.train)
    if train > len(dataset.train):
        raise UserError(
            f"train-images={train}: {dataset.name} has only {len(dataset.train)} training images; "
            f"ask for at most that many, or 0 for all"
        )
    held_out, available = config.validation_images + max(config.test_images, 1), len(dataset.test)
    if held_out > available:
        raise UserError(
            f"validation-images={config.validation_images} and "
            f"test-images={config.test_images or 1} need {held_out} images, but the test part "
            f"of {dataset.name} has only {available}"
        )
    train_order = generator(config.seed, "split-train").permutation(len(dataset.train))
    test_order = generator(config.seed, "split-test").permutation(available)
    end = held_out if config.test_images else available
    return Split(
        train=np.sort(train_order[:train]),
        validation=np.sort(test_order[: config.validation_images]),
        test=np.sort(test_order[config.validation_images : end]),
    )


def held_out_sets(dataset: Dataset, split: Split) -> tuple[LabelledImages, LabelledImages]:
    """Return the validation and the test images of the cloud."""
    return dataset.test.take(split.validation), dataset.test.take(split.test)


def class_counts(labels: Labels) -> list[int]:
    """Count the images of each digit, 0 to 9."""
    return [int(count) for count in np.bincount(labels, minlength=CLASSES)]
