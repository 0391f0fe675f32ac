"""The numerics of merging: how much of each dW goes into a new W."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def mean_shares(num_examples: Sequence[int]) -> npt.NDArray[np.float32]:
    r"""Return $n_i / \sum_j n_j$, each update's share in a mean: one node's step (our default)."""
    return np.asarray(num_examples, np.float32) / np.float32(sum(num_examples))


def sum_shares(num_examples: Sequence[int]) -> npt.NDArray[np.float32]:
    """Return ones: the literal "W + each dW" (section 3), a k-fold step."""
    return np.ones(len(num_examples), np.float32)


def scale_for_sum(num_examples: Sequence[int]) -> list[float]:
    r"""Return factors $c_i$ with which a weighted mean of $c_i dW_i$ is the sum of the $dW_i$.

    $c_i = \sum_j n_j / n_i$. So any strategy that averages can be made to sum, from outside.
    """
    total = sum(num_examples)
    return [total / n for n in num_examples]
