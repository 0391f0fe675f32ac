"""The numerics of merging: W and several dW to a new W. NumPy in, NumPy out."""

from collections.abc import Sequence

import numpy as np

from fog_flower.weights import Weights


def mean_step(deltas: Sequence[Weights], num_examples: Sequence[int]) -> Weights:
    r"""Return the step $\sum_i n_i dW_i / \sum_i n_i$: one node's length (our default reading).

    Parameters
    ----------
    deltas : k lists of arrays
    num_examples : k positive numbers
    """
    total = sum(num_examples)
    return _weighted_sum(deltas, [n / total for n in num_examples])


def sum_step(deltas: Sequence[Weights], num_examples: Sequence[int]) -> Weights:  # noqa: ARG001
    r"""Return the step $\sum_i dW_i$: the literal "W + each dW" (section 3), a k-fold step."""
    return _weighted_sum(deltas, [1.0] * len(deltas))


def scale_for_sum(num_examples: Sequence[int]) -> list[float]:
    r"""Return factors $c_i$ with which a weighted mean of $c_i dW_i$ is the sum of the $dW_i$.

    $c_i = \sum_j n_j / n_i$. So any strategy that averages can be made to sum, from outside.
    """
    total = sum(num_examples)
    return [total / n for n in num_examples]


def _weighted_sum(deltas: Sequence[Weights], factors: Sequence[float]) -> Weights:
    step = [np.zeros_like(array) for array in deltas[0]]
    for delta, factor in zip(deltas, factors, strict=True):
        step = [s + (d * factor).astype(s.dtype) for s, d in zip(step, delta, strict=True)]
    return step
