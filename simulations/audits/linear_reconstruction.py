"""Linear reconstruction of raw examples from protected ones, learned on the attacker's own."""

import dataclasses

import numpy as np
import numpy.typing as npt

RIDGES = tuple(np.geomspace(1e-6, 1e2, 9))  # in units of the mean eigenvalue
Rows = npt.NDArray[np.float32]


@dataclasses.dataclass(frozen=True)
class LinearReconstruction:
    """Estimates raw examples from protected ones: (shipped - protected mean) @ kernel + raw mean.

    Attributes
    ----------
    protected_mean, raw_mean : float32 [d]
    kernel : float32 [d, d]
    """

    protected_mean: Rows
    raw_mean: Rows
    kernel: Rows

    def __call__(self, shipped: Rows) -> Rows:
        """Return estimates of the raw examples behind shipped ones [k, ...]."""
        flat = shipped.reshape(len(shipped), -1) - self.protected_mean
        return np.asarray((flat @ self.kernel + self.raw_mean).reshape(shipped.shape), np.float32)


def learned_reconstruction(raw: Rows, protected: Rows) -> LinearReconstruction:
    """Fit a linear reconstruction on the attacker's own examples.

    It is ridge regression in dual form. Its strength is chosen on a fifth of the examples, which is
    held out. If the protected examples as they are come closer to those, nothing is changed.

    Parameters
    ----------
    raw, protected : float32 [n, ...]
        The attacker's own examples, before and after the protections.
    """
    x, y = protected.reshape(len(protected), -1), raw.reshape(len(raw), -1)
    x_mean, y_mean = x.mean(axis=0), y.mean(axis=0)
    x, y = x - x_mean, y - y_mean
    cut = len(x) * 4 // 5
    unchanged = float(np.square(x[cut:] + x_mean - y[cut:] - y_mean).mean())
    values, basis = np.linalg.eigh(x[:cut] @ x[:cut].T)
    answers, held_out = basis.T @ y[:cut], x[cut:] @ x[:cut].T @ basis

    def error(ridge: float) -> float:
        guess = (held_out / (values + ridge * values.mean())) @ answers
        return float(np.square(guess - y[cut:]).mean())

    best = min(RIDGES, key=error)
    if unchanged <= error(best):
        nothing = np.zeros_like(x_mean)
        return LinearReconstruction(nothing, nothing, np.eye(len(x_mean), dtype=np.float32))
    kernel = (x[:cut].T @ basis / (values + best * values.mean())) @ answers
    return LinearReconstruction(x_mean, y_mean, np.asarray(kernel, np.float32))
