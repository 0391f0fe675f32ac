"""Measures what a model knows, regardless of its confidence and of favoured classes."""

import math

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import logsumexp

from fog_flower.blas import one_blas_thread

_SHARPNESS = (-8.0, 2.0)  # range of log 1/T
_BIAS = (-20.0, 20.0)  # range, nats


def recalibrated_losses(
    log_probabilities: npt.NDArray[np.float32],
    labels: npt.NDArray[np.int64],
    *,
    biases: bool = True,
    at_most: float = math.inf,
) -> npt.NDArray[np.float64]:
    r"""Return each example's cross-entropy [k] with the best temperature and class biases.

    Probabilities become softmax(log p / T + b), with T and b [classes] fitted to these examples:
    bias-corrected temperature scaling (Guo et al. 2017, arXiv:1706.04599; Alexandari et al. 2020,
    arXiv:1901.06852). A merge gains nothing by merely being less confident, and a model that was
    trained mostly on one class loses nothing. What is left is how well it tells classes apart. With
    ten classes, eleven numbers are fitted, so a model gains about 5 / k nats by chance.

    Parameters
    ----------
    log_probabilities : float32 [k, classes]
    labels : int64 [k]
    biases : bool
        False fits T alone.
    at_most : float
        T is between 1 / at_most and at_most.
    """
    logits, rows = log_probabilities.astype(np.float64), np.arange(len(labels))
    classes = logits.shape[1]
    counts = np.bincount(labels, minlength=classes) / len(labels)

    def objective(
        parameters: npt.NDArray[np.float64],
    ) -> tuple[float, npt.NDArray[np.float64]]:
        sharpness = np.exp(parameters[0])
        shifted = sharpness * logits + (parameters[1:] if biases else 0.0)
        highest = shifted.max(axis=1, keepdims=True)
        expected = np.exp(shifted - highest)
        total = expected.sum(axis=1, keepdims=True)
        normaliser = (np.log(total) + highest)[:, 0]
        expected /= total
        loss = float(np.mean(normaliser - shifted[rows, labels]))
        slope = sharpness * float(np.sum(expected * logits) / len(labels))
        slope -= sharpness * float(np.mean(logits[rows, labels]))
        surplus = expected.mean(axis=0) - counts if biases else []
        return loss, np.concatenate([[slope], surplus])

    count, (low, high) = classes if biases else 0, _SHARPNESS
    # Eleven numbers need no threads, which wait for each other: ten times slower on busy cores.
    with one_blas_thread():
        fit = minimize(
            objective,
            np.zeros(count + 1),
            jac=True,
            method="L-BFGS-B",
            bounds=[(max(low, -math.log(at_most)), min(high, math.log(at_most))), *[_BIAS] * count],
        )
    shifted = np.exp(fit.x[0]) * logits + (fit.x[1:] if biases else 0.0)
    losses: npt.NDArray[np.float64] = logsumexp(shifted, axis=1) - shifted[rows, labels]
    return losses
