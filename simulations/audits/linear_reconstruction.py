"""The best linear guess of an example from what became of it, learned on the attacker's own."""

import numpy as np
import numpy.typing as npt

RIDGES = tuple(np.geomspace(1e-6, 1e2, 9))  # by the mean eigenvalue
Rows = npt.NDArray[np.float32]


def reconstruct(raw: Rows, protected: Rows, shipped: Rows) -> Rows:
    """Return the best linear guess of what was shipped, learned on the attacker's own images.

    Ridge regression in its dual form; its strength is chosen on a fifth of these.

    Parameters
    ----------
    raw, protected : float32 [n, ...]
        The attacker's own examples, and what the protections make of them.
    shipped : float32 [k, ...]
        What others became.

    Returns
    -------
    float32 [k, ...]
    """
    x, y = protected.reshape(len(protected), -1), raw.reshape(len(raw), -1)
    x_mean, y_mean = x.mean(axis=0), y.mean(axis=0)
    x, y = x - x_mean, y - y_mean
    cut = len(x) * 4 // 5
    values, basis = np.linalg.eigh(x[:cut] @ x[:cut].T)
    answers, held_out = basis.T @ y[:cut], x[cut:] @ x[:cut].T @ basis

    def error(ridge: float) -> float:
        guess = (held_out / (values + ridge * values.mean())) @ answers
        return float(np.square(guess - y[cut:]).mean())

    best = min(RIDGES, key=error)
    flat = shipped.reshape(len(shipped), -1) - x_mean
    guess = (flat @ x[:cut].T @ basis / (values + best * values.mean())) @ answers + y_mean
    return np.asarray(guess.reshape(shipped.shape), np.float32)
