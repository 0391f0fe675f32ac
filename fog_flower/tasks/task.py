"""The protocol of a task: everything that depends on the kind of targets."""

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from fog_flower.tasks.examples import Array, Indices, Spec
from fog_flower.tasks.scores import Scores

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


class Task(Protocol):
    """Targets, loss and metric of a data set, for models, attacks, gates and records.

    Attributes
    ----------
    target_shape : tuple of int
        Of one target; ``()`` for a label.
    target_dtype : str
    outputs : int
        How many numbers a model returns for one input.
    activation : str or None
        Of a model's last layer.
    group_names : tuple of str
        Of the groups that ``groups`` returns, e.g. of the classes.
    """

    @property
    def target_shape(self) -> tuple[int, ...]: ...  # noqa: D102
    @property
    def target_dtype(self) -> str: ...  # noqa: D102
    @property
    def outputs(self) -> int: ...  # noqa: D102
    @property
    def activation(self) -> str | None: ...  # noqa: D102
    @property
    def group_names(self) -> tuple[str, ...]: ...  # noqa: D102

    def __hash__(self) -> int:
        """Return a hash: tasks must be comparable and hashable, as frozen dataclasses are."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return the task's entries for records: plain numbers and text, the same everywhere."""
        ...

    def problem(self, targets: Array) -> str:
        """Return in one line what is wrong with targets [n, ...]; empty if nothing is."""
        ...

    def fit(self, model: "keras.Model", spec: Spec, name: str) -> "keras.Model":
        """Return the model, adapted if necessary so that its outputs fit this task.

        Raises
        ------
        UserError
            If they cannot. The message has ``name``, what the outputs are and what they should be.
        """
        ...

    def compile(self, model: "keras.Model", optimizer: "keras.Optimizer") -> None:
        """Compile for training with this task's loss, and a metric called ``accuracy``."""
        ...

    def losses(self, targets: "tf.Tensor", outputs: "tf.Tensor") -> "tf.Tensor":
        """Return the loss of each example [k], in the graph."""
        ...

    def sharpened(
        self, targets: "tf.Tensor", outputs: "tf.Tensor", sharpness: "tf.Tensor"
    ) -> "tf.Tensor":
        """Return the losses [k] of outputs with ``sharpness`` times the confidence, in the graph.

        1 leaves them unchanged. A task whose outputs have no confidence may lack this method.
        """
        ...

    def answers(self, outputs: "tf.Tensor") -> "tf.Tensor":
        """Return the answers that ``scores`` takes, float32 [k, outputs], in the graph."""
        ...

    def scores(self, answers: npt.NDArray[np.float32], targets: Array) -> Scores:
        """Return the scores of answers [k, outputs] for targets [k, ...]."""
        ...

    def groups(self, targets: Array) -> list[Indices]:
        """Return the positions of each group, for stratification and skew; they cover all."""
        ...

    def surplus(self, targets: Array) -> npt.NDArray[np.float32]:
        """Return each target minus the mean target, [k, outputs]; each column sums to 0."""
        ...

    def flipped(self, targets: Array) -> Array:
        """Return wrong targets, for a label flip."""
        ...
