"""Which digit each image shows: SVHN's class frequencies."""

import numpy as np
import numpy.typing as npt

from fog_flower.seeds import generator

# Images of the digits 0 to 9 in SVHN's two cropped-digit files.
SVHN_CLASS_COUNTS = {
    "train": (4948, 13861, 10585, 8497, 7458, 6882, 5727, 5595, 5045, 4659),  # 73,257
    "test": (1744, 5099, 4149, 2882, 2523, 2384, 1977, 2019, 1660, 1595),  # 26,032
}


def labels_of(part: str, count: int, seed: int) -> npt.NDArray[np.int64]:
    """Return the labels, int64 [count], of one part of the data set.

    At SVHN's size they have exactly SVHN's class frequencies; fewer are the head of the same
    shuffled list, and more begin it again.

    Raises
    ------
    ValueError
        If ``part`` is neither "train" nor "test", or ``count`` or ``seed`` is negative.
    """
    if part not in SVHN_CLASS_COUNTS:
        raise ValueError(f"part={part!r}: there are {' and '.join(SVHN_CLASS_COUNTS)}")
    if count < 0:
        raise ValueError(f"count={count}: must not be negative")
    if seed < 0:
        raise ValueError(f"seed={seed}: must not be negative")
    sorted_labels = np.repeat(np.arange(10), SVHN_CLASS_COUNTS[part])
    labels = generator(seed, f"rendered-labels-{part}").permutation(sorted_labels)
    return np.resize(labels, count).astype(np.int64)
