"""The one interface of all data sources."""

import dataclasses
import hashlib

import numpy as np
import numpy.typing as npt

IMAGE_SHAPE = (32, 32, 3)
CLASSES = 10

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]


@dataclasses.dataclass(frozen=True)
class LabelledImages:
    """Images and their digits.

    Attributes
    ----------
    images : uint8 [n, 32, 32, 3]
    labels : int64 [n], 0 to 9
    """

    images: Images
    labels: Labels

    def __post_init__(self) -> None:
        problem = describe_problem(self.images, self.labels)
        if problem:
            raise ValueError(problem)

    def __len__(self) -> int:
        return len(self.labels)

    def take(self, indices: npt.NDArray[np.int64]) -> "LabelledImages":
        """Return a copy of the images at ``indices`` [k]."""
        return LabelledImages(np.asarray(self.images[indices]), np.asarray(self.labels[indices]))


@dataclasses.dataclass(frozen=True)
class Dataset:
    """A training part and a test part; the name and hash go into every record."""

    name: str
    sha256: str
    train: LabelledImages
    test: LabelledImages


def describe_problem(images: np.ndarray, labels: np.ndarray) -> str:
    """Say in one line what is wrong with the arrays; empty if nothing is."""
    if images.dtype != np.uint8 or images.shape[1:] != IMAGE_SHAPE:
        return f"images must be uint8 [n, 32, 32, 3], not {images.dtype} {list(images.shape)}"
    if labels.dtype != np.int64 or labels.shape != images.shape[:1]:
        return (
            f"labels must be int64 [{len(images)}] for {len(images)} images, "
            f"not {labels.dtype} {list(labels.shape)}"
        )
    if len(labels) == 0:
        return "there are no images"
    if labels.min() < 0 or labels.max() >= CLASSES:
        return f"labels must be 0 to 9, but reach from {labels.min()} to {labels.max()}"
    return ""


def fingerprint(*parts: LabelledImages) -> str:
    """Return the sha256 of all pixels and labels, in hex."""
    digest = hashlib.sha256()
    for part in parts:
        for array in (part.images, part.labels):
            digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
