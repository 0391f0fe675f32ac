"""Agreement of updates with the direction in which the cloud itself would train."""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from scipy.optimize import nnls

from fog_flower.tasks.scores import Directions
from fog_flower.weights import Weights, flatten

Vector = npt.NDArray[np.float32]

LABELS_WEIGH = 0.75  # the labels' part says little in early rounds, and most in late ones
# Cosine with honest training on some mix of classes. From the first value on, a node counts as one
# that has seen mostly few classes; from the second on, it is fully trusted. On IID data neither
# honest nodes nor attackers exceed 0.3; with Dirichlet 0.1 and 0.3 most honest nodes do.
SKEWED_FROM, SKEWED_FULLY = 0.3, 0.5
# How far an honest node's cosine may fall behind the best one: chance moves small cosines by up to
# 0.1, and large ones by up to three tenths of the best.
BEHIND, BEHIND_PART = 0.105, 0.3


class Agreement:
    r"""The directions with which updates are compared in one round.

    There are two. From both, the part that favours some classes at the expense of others is
    removed: the projection on the span of $r_c - \bar r$, with $r_c$ the direction for class c.

    - The overall direction $r$, as in FLTrust.
    - The steepest descent of the part of the loss that depends on the labels. Once a model is
      overconfident, even training on wrong labels goes along $r$, because it makes the model less
      confident. It does not go along this direction.

    The update of a node that has seen mostly few classes goes along neither, but along a sum of
    $a_c r_c$ with $a_c \ge 0$. So a large cosine with the nearest such sum also gives trust.
    """

    def __init__(self, directions: Directions) -> None:
        by_class = self._by_class = _stack(directions.by_group)
        pair = _stack([directions.overall, directions.surplus])
        # Of the differences r_c - mean only inner products are needed, so the long vectors are read
        # three times per round and never copied.
        gram = (by_class @ by_class.T).astype(np.float64)
        centre = np.eye(len(gram)) - 1.0 / len(gram)
        along = (pair @ by_class.T).astype(np.float64) @ centre
        shares, *_ = np.linalg.lstsq(centre @ gram @ centre, along.T, rcond=1e-5)
        balanced = pair - (shares.T @ centre).astype(np.float32) @ by_class
        lengths = np.linalg.norm(balanced, axis=1, keepdims=True)
        units = np.divide(balanced, lengths, out=np.zeros_like(balanced), where=lengths > 0)
        self._direction: Vector = units[0] + np.float32(LABELS_WEIGH) * units[1]
        jitter = 1e-6 * max(float(np.trace(gram)), 1e-12) * np.eye(len(gram))
        self._factor = np.linalg.cholesky(gram + jitter)

    def trust(self, deltas: npt.NDArray[np.float32]) -> list[float]:
        """Return the trust in each of the updates [k, d], from -1 to 1.

        1 is the most agreeing update. 0 is as far behind it as chance may put an honest node at
        most, and -1 is twice as far or further. If none agrees, all but skewed nodes get 0.
        """
        # Scaling keeps the directions, and avoids overflow in the squares of enormous numbers.
        largest = np.abs(deltas).max(axis=1, initial=0.0, keepdims=True)
        deltas = np.divide(deltas, largest, out=np.zeros_like(deltas), where=largest > 0)
        cosines = np.array([_cosine(delta, self._direction) for delta in deltas])
        best = cosines.max(initial=0.0)
        allowed = max(BEHIND, BEHIND_PART * best)
        relative = np.zeros(len(deltas))
        if best > 0.0:
            relative = np.clip(1.0 - (best - cosines) / allowed, -1.0, 1.0)
        skewed = np.array([self._skewed(delta) for delta in deltas])
        ramp = np.clip((skewed - SKEWED_FROM) / (SKEWED_FULLY - SKEWED_FROM), 0.0, 1.0)
        return [
            float(value) for value in np.where(ramp > 0.0, np.maximum(relative, ramp), relative)
        ]

    def _skewed(self, vector: Vector) -> float:
        """Return the cosine with the nearest honest training on a mix of classes.

        It is 0 for a task with one group, where no node can be skewed.
        """
        if len(self._by_class) < 2:
            return 0.0
        along = (self._by_class @ vector).astype(np.float64)
        shares, _ = nnls(self._factor.T, np.linalg.solve(self._factor, along))
        return _cosine(vector, shares.astype(np.float32) @ self._by_class)


def _stack(vectors: Sequence[Weights]) -> npt.NDArray[np.float32]:
    """Return vectors as rows; those that are not finite become zeros, which agree with nothing."""
    rows = np.stack([flatten(vector) for vector in vectors])
    rows[~np.isfinite(np.linalg.norm(rows, axis=1))] = 0.0
    return rows


def _cosine(one: Vector, other: Vector) -> float:
    length = float(np.linalg.norm(one)) * float(np.linalg.norm(other))
    value = float(one @ other) / length if length else 0.0
    return value if np.isfinite(value) else 0.0
