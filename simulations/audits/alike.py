"""Similarity of guessed images to real ones."""

import numpy as np
import numpy.typing as npt

Rows = npt.NDArray[np.float32]


def correlations(guesses: Rows, raw: Rows) -> Rows:
    """Return the correlation of each guess with each image.

    Parameters
    ----------
    guesses, raw : float32 [k, ...], [n, ...]

    Returns
    -------
    float32 [k, n]
        0 where either image is constant or not finite.
    """
    one, other = _unit(guesses), _unit(raw)
    return np.asarray(one @ other.T, np.float32)


def _unit(images: Rows) -> npt.NDArray[np.float64]:
    rows = images.reshape(len(images), -1).astype(np.float64)
    rows = np.where(np.isfinite(rows).all(axis=1, keepdims=True), rows, 0.0)
    rows = rows - rows.mean(axis=1, keepdims=True)
    return np.asarray(rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-12))
