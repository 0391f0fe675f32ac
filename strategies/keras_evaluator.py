"""Evaluation with Keras, in the cloud."""

from collections.abc import Callable

import numpy as np
import numpy.typing as npt
import tensorflow as tf

from fog_flower.tasks.examples import Array, Examples, Indices
from fog_flower.tasks.scores import Evaluation, Scores, Sloped
from fog_flower.weights import Weights
from strategies.compiled_model import CompiledModel

BATCH = 500


class KerasEvaluator:
    """Evaluates weights of one model on one set of examples.

    Parameters
    ----------
    model : CompiledModel
        Its weights are overwritten by every evaluation.
    data : Examples
    preprocess : callable
        Converts inputs as stored in the data set to inputs of the model.
    """

    def __init__(
        self, model: CompiledModel, data: Examples, preprocess: Callable[[Array], Array]
    ) -> None:
        self._model = model
        # Copied to the device once: every round evaluates the same examples many times.
        self._inputs = tf.constant(preprocess(data.inputs))
        self._targets = data.targets
        self._groups = np.zeros(len(data.targets), np.int64)
        for number, positions in enumerate(model.task.groups(data.targets)):
            self._groups[positions] = number

    def __len__(self) -> int:
        return len(self._targets)

    def evaluate(self, weights: Weights, indices: Indices | None = None) -> Evaluation:
        """Return loss and accuracy on all examples, or on those at ``indices`` [k]."""
        return self.score(weights, indices).mean()

    def groups(self, indices: Indices) -> Indices:
        """Return the group of the examples at ``indices`` [k]."""
        return self._groups[indices]

    def slope(
        self,
        weights: Weights,
        indices: Indices,
        importance: npt.NDArray[np.float32] | None = None,
        sharpness: float = 1.0,
    ) -> Sloped:
        """Return losses and scores at ``indices`` [k], and gradients of the weighted mean loss."""
        self._model.load(weights)
        shares = np.ones(len(indices), np.float32) if importance is None else importance
        answers, losses, sums = (
            [],
            [],
            [np.float32(0.0)] * (len(self._model.model.trainable_variables) + 1),
        )
        for start in range(0, len(indices), BATCH):
            part = slice(start, start + BATCH)
            chosen = indices[part]
            answered, of_each, gradients = self._model.slope(
                tf.gather(self._inputs, chosen),
                tf.constant(self._targets[chosen]),
                tf.constant(shares[part]),
                tf.constant(sharpness, tf.float32),
            )
            answers.append(answered.numpy())
            losses.append(of_each.numpy())
            sums = [one + more.numpy() for one, more in zip(sums, gradients, strict=True)]
        *means, sharper = [np.asarray(one / shares.sum()) for one in sums]
        return Sloped(
            np.concatenate(losses).astype(np.float64),
            self._model.for_all_weights(means, weights),
            float(sharper),
            self._model.task.scores(np.concatenate(answers), self._targets[indices]),
        )

    def steps(
        self, weights: Weights, indices: Indices, learning_rate: float, batch: int
    ) -> tuple[float, float]:
        """Return the mean loss at ``indices`` [k], and the highest while training on them."""
        self._model.load(weights)
        before, highest = self._model.steps(
            tf.gather(self._inputs, indices),
            tf.constant(self._targets[indices]),
            tf.constant(learning_rate, tf.float32),
            tf.constant(batch),
        )
        return float(before), float(highest)

    def score(self, weights: Weights, indices: Indices | None = None) -> Scores:
        """Return the scores of all examples, or of those at ``indices`` [k], in this order."""
        self._model.load(weights)
        inputs, targets = self._inputs, self._targets
        if indices is not None:
            targets = targets[indices]
        batches = [
            self._model.score(
                inputs[start : start + BATCH]
                if indices is None
                else tf.gather(inputs, indices[start : start + BATCH])
            ).numpy()
            for start in range(0, len(targets), BATCH)
        ]
        return self._model.task.scores(np.concatenate(batches), targets)
