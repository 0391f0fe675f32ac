"""The classification task: several classes, cross-entropy, accuracy."""

import dataclasses
import math
from typing import TYPE_CHECKING, Any, Self

import numpy as np
import numpy.typing as npt

from fog_flower.errors import UserError
from fog_flower.tasks.examples import Array, Indices, Spec
from fog_flower.tasks.scores import Scores

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


@dataclasses.dataclass(frozen=True)
class Classification:
    """Classification with labels int64 [n] from 0 to ``classes`` - 1.

    Attributes
    ----------
    classes : int
        At least 2.
    names : tuple of str
        Of the classes, in order; empty: their numbers.
    """

    classes: int
    names: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        object.__setattr__(self, "names", tuple(self.names))  # a list is not hashable
        if self.classes < 2:
            raise ValueError(f"classification needs at least 2 classes, not {self.classes}")
        if self.names and len(self.names) != self.classes:
            raise ValueError(f"{len(self.names)} names for {self.classes} classes")

    @property
    def target_shape(self) -> tuple[int, ...]:
        """Shape of one label."""
        return ()

    @property
    def target_dtype(self) -> str:
        """Dtype of the labels."""
        return "int64"

    @property
    def outputs(self) -> int:
        """Number of outputs: a probability for each class."""
        return self.classes

    @property
    def activation(self) -> str | None:
        """Activation of the last layer, for probabilities."""
        return "softmax"

    @property
    def group_names(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.names or tuple(map(str, range(self.classes)))

    def describe(self) -> dict[str, Any]:
        """Return the kind of task, and the number and names of its classes."""
        return {"task": "classification", "classes": self.classes, "names": list(self.names)}

    def problem(self, targets: Array) -> str:
        """Return what is wrong with labels; empty if nothing is."""
        if targets.dtype != np.int64 or targets.ndim != 1:
            return f"labels must be int64 [n], not {targets.dtype} {list(targets.shape)}"
        if len(targets) and (targets.min() < 0 or targets.max() >= self.classes):
            return (
                f"labels must be 0 to {self.classes - 1}, but reach from {targets.min()} to "
                f"{targets.max()}"
            )
        return ""

    def fit(self, model: "keras.Model", spec: Spec, name: str) -> "keras.Model":
        """Return a model of probabilities [n, classes] unchanged; add a softmax to one of logits.

        The model's outputs with initial and with changed weights show which of the two it is.
        """
        import keras  # noqa: PLC0415  (loads TensorFlow; only needed with a model)

        _check_loss(model, name)
        inputs, start = spec.sample(8), model.get_weights()
        answers = [_answers(model, inputs)]
        if answers[0].shape != (8, self.classes):
            raise UserError(
                f"{name}: must map inputs {spec} to probabilities or logits [n, {self.classes}], "
                f"but its output is {(None, *answers[0].shape[1:])}"
            )
        if not np.isfinite(answers[0]).all():
            raise UserError(f"{name}: the outputs of the untrained model are not finite")
        _move(model)
        answers.append(_answers(model, inputs))
        model.set_weights(start)
        outputs = np.concatenate([answer for answer in answers if np.isfinite(answer).all()])
        if (outputs >= 0).all() and np.allclose(outputs.sum(axis=1), 1.0, atol=0.02):
            return model
        if not ((outputs < -0.001) | (outputs > 1.001)).any():
            raise UserError(
                f"{name}: its outputs lie between 0 and 1 but do not sum to 1, so they are neither "
                "probabilities nor logits; end the model with softmax, or without an activation"
            )
        if type(model).train_step is not keras.Model.train_step:
            raise UserError(
                f"{name}: returns logits, but has a train_step of its own; end it with softmax"
            )
        softmax = keras.layers.Softmax(dtype="float32")
        return keras.Sequential([keras.Input(spec.shape, dtype=spec.dtype), model, softmax])

    def compile(self, model: "keras.Model", optimizer: "keras.Optimizer") -> None:
        """Compile with cross-entropy and accuracy."""
        model.compile(
            optimizer=optimizer, loss="sparse_categorical_crossentropy", metrics=["accuracy"]
        )

    def losses(self, targets: "tf.Tensor", outputs: "tf.Tensor") -> "tf.Tensor":
        """Return each example's cross-entropy, in the graph."""
        import keras  # noqa: PLC0415

        return keras.losses.sparse_categorical_crossentropy(targets, outputs)

    def sharpened(
        self, targets: "tf.Tensor", outputs: "tf.Tensor", sharpness: "tf.Tensor"
    ) -> "tf.Tensor":
        """Return the cross-entropy of softmax(sharpness * log p), in the graph."""
        import tensorflow as tf  # noqa: PLC0415

        logits = sharpness * self.answers(outputs)
        return tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits)

    def answers(self, outputs: "tf.Tensor") -> "tf.Tensor":
        """Return log p, clipped as in Keras' own cross-entropy."""
        import keras  # noqa: PLC0415
        import tensorflow as tf  # noqa: PLC0415

        sure = tf.cast(outputs, tf.float32)
        return tf.math.log(tf.clip_by_value(sure, keras.config.epsilon(), 1.0))

    def scores(self, answers: npt.NDArray[np.float32], targets: Array) -> "ClassScores":
        """Return the scores of log p [k, classes] for labels [k]."""
        return ClassScores(answers, targets)

    def groups(self, targets: Array) -> list[Indices]:
        """Return the positions of each class."""
        return [np.flatnonzero(targets == label) for label in range(self.classes)]

    def surplus(self, targets: Array) -> npt.NDArray[np.float32]:
        """Return the one-hot labels minus the classes' frequencies."""
        one_hot = np.eye(self.classes, dtype=np.float32)[targets]
        one_hot -= one_hot.mean(axis=0)
        return one_hot

    def flipped(self, targets: Array) -> Array:
        """Return the labels ``classes`` - 1 - y."""
        return self.classes - 1 - targets


def _answers(model: "keras.Model", inputs: Array) -> npt.NDArray[np.float32]:
    import keras  # noqa: PLC0415

    return np.asarray(keras.ops.convert_to_numpy(model(inputs, training=False)), np.float32)


def _move(model: "keras.Model") -> None:
    """Add noise to every trainable weight, so that none stays at an initial 0."""
    rng = np.random.default_rng(0)
    for weight in model.trainable_weights:
        weight.assign_add(rng.normal(0.0, 0.5, weight.shape).astype(str(weight.dtype)))


def _check_loss(model: "keras.Model", name: str) -> None:
    """Raise a ``UserError`` if a compiled model's loss would silently be replaced."""
    import keras  # noqa: PLC0415

    loss = model.loss if getattr(model, "compiled", False) else None
    losses = keras.losses
    same = (losses.SparseCategoricalCrossentropy, losses.CategoricalCrossentropy)
    if loss is None:
        return
    try:
        found = losses.get(loss)
    except (ValueError, TypeError):
        found = loss
    functions = (losses.sparse_categorical_crossentropy, losses.categorical_crossentropy)
    settings = found.get_config() if isinstance(found, same) else {}
    usual = not settings.get("label_smoothing") and settings.get("ignore_class") is None
    if not (isinstance(found, same) or found in functions) or not usual:
        told = loss if isinstance(loss, str) else getattr(loss, "name", repr(loss))
        raise UserError(
            f"{name}: is compiled with the loss {told!r}, but classification trains with plain "
            "cross-entropy; return it uncompiled"
        )


@dataclasses.dataclass(frozen=True)
class ClassScores(Scores):
    """The outputs of a model on each of k examples.

    Attributes
    ----------
    log_probabilities : float32 [k, classes]
    labels : int64 [k]
        The true classes.
    """

    log_probabilities: npt.NDArray[np.float32]
    labels: npt.NDArray[np.int64]

    @property
    def losses(self) -> npt.NDArray[np.float64]:
        """Cross-entropy of each example [k], in nats."""
        rows = np.arange(len(self.labels))
        return -self.log_probabilities[rows, self.labels].astype(np.float64)

    @property
    def right(self) -> npt.NDArray[np.bool_]:
        """Whether the most probable class is the label [k]."""
        right: npt.NDArray[np.bool_] = self.log_probabilities.argmax(axis=1) == self.labels
        return right

    @property
    def groups(self) -> Indices:
        """The labels [k]."""
        return self.labels

    @property
    def finite(self) -> bool:
        """Whether all outputs are finite."""
        return bool(np.isfinite(self.log_probabilities).all())

    @property
    def chance(self) -> float:
        """The labels' entropy in nats."""
        shares = np.bincount(self.labels) / len(self.labels)
        return float(-(shares * np.log(np.where(shares > 0.0, shares, 1.0))).sum())

    def first(self, count: int) -> Self:
        """Return the scores of the first ``count`` examples."""
        return type(self)(self.log_probabilities[:count], self.labels[:count])

    def then(self, more: Self) -> Self:
        """Return these scores, followed by those of more examples."""
        return type(self)(
            np.concatenate([self.log_probabilities, more.log_probabilities]),
            np.concatenate([self.labels, more.labels]),
        )

    def recalibrated(
        self, *, biases: bool = True, at_most: float = math.inf
    ) -> npt.NDArray[np.float64]:
        """Return the losses with the best temperature and, with ``biases``, class biases."""
        from fog_flower.tasks.recalibration import recalibrated_losses  # noqa: PLC0415  (the cloud)

        return recalibrated_losses(
            self.log_probabilities, self.labels, biases=biases, at_most=at_most
        )

    def __len__(self) -> int:
        return len(self.labels)
