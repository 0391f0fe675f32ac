"""The weights of updates in a merge."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt


def mean_shares(num_examples: Sequence[int]) -> npt.NDArray[np.float32]:
    r"""Return $n_i / \sum_j n_j$, the weights of a mean: one node's step length (our default)."""
    return np.asarray(num_examples, np.float32) / np.float32(sum(num_examples))


def sum_shares(num_examples: Sequence[int]) -> npt.NDArray[np.float32]:
    """Return ones, the weights of the literal "W + each dW" (section 3): a k times longer step."""
    return np.ones(len(num_examples), np.float32)


def scale_for_sum(num_examples: Sequence[int]) -> list[float]:
    r"""Return factors $c_i$ such that the weighted mean of $c_i dW_i$ is the sum of the $dW_i$.

    $c_i = \sum_j n_j / n_i$. With them, any strategy that averages computes the sum instead.
    """
    total = sum(num_examples)
    return [total / n for n in num_examples]
