"""A data set from four arrays, as Keras' ``load_data`` and ``.npz`` files have them."""

from collections.abc import Mapping

import numpy as np

from fog_flower.data.dataset import Dataset, fingerprint
from fog_flower.data.preprocess import ColumnNormaliser, Preprocess, Tokens, middle_grey
from fog_flower.errors import UserError
from fog_flower.tasks.classification import Classification
from fog_flower.tasks.examples import Array, Examples
from fog_flower.tasks.task import Task

NAMES = ("x_train", "y_train", "x_test", "y_test")


def from_arrays(
    name: str,
    arrays: Mapping[str, Array],
    key: str,
    *,
    preprocess: Preprocess | None = None,
    task: Task | None = None,
) -> Dataset:
    """Return the data set of arrays ``x_train, y_train, x_test, y_test``.

    Without ``preprocess``, images uint8 [n, h, w] or [n, h, w, c] are scaled to -1 to 1, integers
    [n, length] are tokens, and other numbers are taken as they are. Without ``task``, it is
    classification into as many classes as the largest label says.

    Raises
    ------
    UserError
        If they do not fit; it begins with ``key``.
    """
    inputs = {part: _inputs(np.asarray(arrays[f"x_{part}"])) for part in ("train", "test")}
    targets = {part: np.asarray(arrays[f"y_{part}"]) for part in ("train", "test")}
    if task is None:
        targets = {part: _labels(key, part, array) for part, array in targets.items()}
        largest = max((int(array.max(initial=0)) for array in targets.values()), default=0)
        task = Classification(max(largest + 1, 2))
    try:
        train, test = (Examples(inputs[part], targets[part]) for part in ("train", "test"))
        preprocess = preprocess or _guessed(inputs["train"])
        return Dataset(name, fingerprint(train, test), train, test, task, preprocess)
    except ValueError as error:
        raise UserError(f"{key}: {error}") from error


def _inputs(array: Array) -> Array:
    """Return grey images [n, h, w] with a channel; everything else as it is."""
    return array[..., None] if array.dtype == np.uint8 and array.ndim == 3 else array


def _labels(key: str, part: str, array: Array) -> Array:
    if array.dtype.kind not in "iu" or array.size != len(array):
        raise UserError(
            f"{key}: y_{part} must be whole numbers [n], a class each, not {array.dtype} "
            f"{list(array.shape)}; one-hot labels: use y.argmax(axis=1)"
        )
    labels = array.reshape(-1).astype(np.int64)  # Keras ships CIFAR's labels as uint8 [n, 1]
    if len(labels) and labels.min() < 0:
        raise UserError(f"{key}: y_{part} has the label {labels.min()}; classes count from 0")
    return labels


def _guessed(inputs: Array) -> Preprocess:
    if inputs.dtype == np.uint8 and inputs.ndim == 4:
        return middle_grey(inputs.shape[-1])
    if inputs.dtype.kind in "iu" and inputs.ndim == 2:
        return Tokens()
    return ColumnNormaliser(np.zeros(()), np.ones(()))
