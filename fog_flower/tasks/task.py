"""What a task is: everything that depends on the kind of targets, in one place."""

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import numpy.typing as npt

from fog_flower.tasks.examples import Array, Indices, Spec
from fog_flower.tasks.scores import Scores

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


class Task(Protocol):
    """Targets, loss and metric of a data set. Models, attacks, gates and records ask it.

    Attributes
    ----------
    target_shape : tuple of int
        Of one target, ``()`` of a label.
    target_dtype : str
    outputs : int
        Numbers that a model returns for one input.
    activation : str or None
        Of a model's last layer.
    group_names : tuple of str
        Of what ``groups`` returns, e.g. the names of the classes.
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
        """Tasks are compared and remembered: a frozen dataclass is."""
        ...

    def describe(self) -> dict[str, Any]:
        """Return what a record says of the task: plain numbers and text, the same everywhere."""
        ...

    def problem(self, targets: Array) -> str:
        """Say in one line what is wrong with targets [n, ...]; empty if nothing is."""
        ...

    def fit(self, model: "keras.Model", spec: Spec, name: str) -> "keras.Model":
        """Return the model such that its outputs are what this task takes.

        Raises
        ------
        UserError
            If they cannot be; it says ``name``, what the outputs are and what they should be.
        """
        ...

    def compile(self, model: "keras.Model", optimizer: "keras.Optimizer") -> None:
        """Compile for training with this loss, and a metric called ``accuracy``."""
        ...

    def losses(self, targets: "tf.Tensor", outputs: "tf.Tensor") -> "tf.Tensor":
        """Return the loss of each example [k], in the graph."""
        ...

    def sharpened(
        self, targets: "tf.Tensor", outputs: "tf.Tensor", sharpness: "tf.Tensor"
    ) -> "tf.Tensor":
        """Return the losses [k] of outputs that are ``sharpness`` times as sure, in the graph.

        1 leaves them as they are. A task whose outputs are never sure of anything may be without.
        """
        ...

    def answers(self, outputs: "tf.Tensor") -> "tf.Tensor":
        """Return what ``scores`` takes, float32 [k, outputs], in the graph."""
        ...

    def scores(self, answers: npt.NDArray[np.float32], targets: Array) -> Scores:
        """Compare answers [k, outputs] with targets [k, ...]."""
        ...

    def groups(self, targets: Array) -> list[Indices]:
        """Return the positions of each group, for stratification and skew; together all of them."""
        ...

    def surplus(self, targets: Array) -> npt.NDArray[np.float32]:
        """Return what each target tells beyond all of them together, [k, outputs], sums to 0."""
        ...

    def flipped(self, targets: Array) -> Array:
        """Return wrong targets, as a label flip uses them."""
        ...
