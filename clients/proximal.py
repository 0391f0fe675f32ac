"""SGD with FedProx' proximal term (Li et al. 2020, doi:10.48550/arXiv.1812.06127)."""

from collections.abc import Sequence
from typing import Any

import keras


class ProximalSGD(keras.optimizers.SGD):  # type: ignore[misc]
    """w <- w - eta * (g + mu * (w - W)), where W is what the cloud sent; mu 0 is plain SGD.

    The server-side partner is Flower's ``FedProx``, which sends mu as ``proximal-mu``.
    """

    def anchor(self, variables: Sequence[keras.Variable], mu: float) -> bool:
        """Pull ``variables`` towards their present values with strength ``mu``.

        Returns
        -------
        bool
            Whether the training step has changed, so that the model must be compiled again. Until
            the first positive ``mu`` the step is plain SGD, from then on it has the term.

        Raises
        ------
        ValueError
            If ``mu`` is negative.
        """
        if mu < 0:
            raise ValueError(f"mu must be at least 0, not {mu}")
        if not hasattr(self, "_mu"):
            self._strength = 0.0  # the value of ``_mu``, in Python
            self._mu = keras.Variable(0.0, trainable=False, dtype="float32", name="mu")
            self._anchors: list[keras.Variable] = []  # in the order of ``variables``
        changed = mu > 0 and not self._anchors
        if changed:
            self._anchors = [keras.Variable(v, trainable=False) for v in variables]
        for anchor, variable in zip(self._anchors, variables, strict=False):
            anchor.assign(variable)
        if mu != self._strength:
            self._mu.assign(mu)
            self._strength = mu
        return changed

    def update_step(self, gradient: Any, variable: Any, learning_rate: Any) -> None:
        """Add the proximal term to the gradient, then step as SGD does."""
        if self._anchors:
            anchor = self._anchors[self._get_variable_index(variable)]
            gradient = gradient + self._mu * (variable - anchor)
        super().update_step(gradient, variable, learning_rate)
