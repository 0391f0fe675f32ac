"""Realism of the rendered digits: the accuracy on photos of a model trained on them only."""

import dataclasses
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fog_flower.config import FLOAT32, RunConfig
from fog_flower.data.preprocess import fit_normaliser
from fog_flower.data.rendered.render import render_digits
from fog_flower.data.rendered.shape import IMAGE_SHAPE
from fog_flower.data.rendered.version import renderer_version
from fog_flower.data.sources.svhn import load_mat
from fog_flower.errors import UserError
from fog_flower.suggestion import check_known
from fog_flower.tasks.classification import Classification
from fog_flower.tasks.examples import Spec

TASK = Classification(10)
SPEC = Spec(IMAGE_SHAPE, "float32")
Labels = npt.NDArray[np.int64]
CONFIDENCE = 0.95
_PREDICT_BATCH = 200


@dataclasses.dataclass(frozen=True)
class FileScore:
    """The accuracy on one file of real images."""

    name: str
    images: int
    accuracy: float


@dataclasses.dataclass(frozen=True)
class Realism:
    """The accuracy on real images, the data, and the training.

    Attributes
    ----------
    accuracy : float
        On all real images, 0 to 1.
    interval : (float, float)
        95% confidence interval of the accuracy (Wilson), for images drawn like these.
    per_class : tuple of float
        Accuracy for digits 0 to 9; NaN if there is no such image.
    training_accuracy : float
        On the rendered images, in the last epoch.
    seconds : float
        Rendering, training and prediction together.
    """

    accuracy: float
    interval: tuple[float, float]
    images: int
    per_class: tuple[float, ...]
    files: tuple[FileScore, ...]
    training_data: str
    training_images: int
    training_accuracy: float
    epochs: int
    learning_rate: float
    batch_size: int
    precision: str
    seed: int
    seconds: float


@dataclasses.dataclass(frozen=True)
class Training:
    """Training settings, fixed beforehand so that no real image influences them.

    Attributes
    ----------
    images : int
        Number of rendered images; by default that of SVHN's training set.
    learning_rate : float
        At the start; by default the paper's. It falls linearly to 0, so that no epoch has to be
        chosen on real images.
    precision : str
        As the key ``precision``; ``float32`` is neutral.
    """

    images: int = 73_257
    epochs: int = 4
    learning_rate: float = 0.1
    batch_size: int = 32
    precision: str = FLOAT32


def measure_realism(
    mat_paths: Sequence[Path],
    *,
    training: Training | None = None,
    seed: int = 0,
    rendered: Callable[[int, int], None] | None = None,
    trained: Callable[[int, float], None] | None = None,
) -> Realism:
    """Train the paper's CNN on rendered digits only, and measure its accuracy on real ones.

    Parameters
    ----------
    mat_paths : sequence of Path
        Files in SVHN's cropped-digit format. They are read first, so that a wrong path fails
        early.
    training : Training, optional
        Number of images, epochs and so on.
    seed : int
        Seed of the rendered images, the initial weights and the order of the batches.
    rendered : callable, optional
        Called with (done, total) images while they are rendered.
    trained : callable, optional
        Called with (epochs done, training accuracy) after each epoch.

    Raises
    ------
    UserError
        If no file is given, one is missing, damaged or empty, or the precision is unknown.
    """
    start = time.monotonic()
    training = training or Training()
    known = RunConfig.keys()["precision"].metadata["choices"]
    check_known(f"--precision {training.precision!r}", training.precision, known)
    if not mat_paths:
        raise UserError("mat: name at least one file with real digits")
    for path in mat_paths:
        if not path.is_file():
            what = "is a folder; name a file in it" if path.is_dir() else "there is no such file"
            raise UserError(f"--mat {path}: {what}")
    real = [(path, *load_mat(path)) for path in mat_paths]
    for path, _, labels in real:
        if not len(labels):
            raise UserError(f"mat={path}: contains no images")
    images, labels = render_digits("train", training.images, seed, progress=rendered)
    normalise = fit_normaliser(images)
    training = _as_computed(training)
    model = _compile(training, seed)
    accuracy = _train(model, normalise(images), labels, training, trained)
    correct = [_read(model, normalise(pictures)) == digits for _, pictures, digits in real]
    return _result(
        [(path, digits, right) for (path, _, digits), right in zip(real, correct, strict=True)],
        training,
        training_accuracy=accuracy,
        seed=seed,
        seconds=time.monotonic() - start,
    )


def _as_computed(training: Training) -> Training:
    """Return the training with the precision that ``auto`` means on this machine."""
    # Slow to import, and the rest of this module does not need it.
    from fog_flower.tensorflow_setup import precision_here  # noqa: PLC0415

    return dataclasses.replace(training, precision=precision_here(training.precision))


def _compile(training: Training, seed: int) -> Any:
    # Slow to import, and the rest of this module does not need them.
    import keras  # noqa: PLC0415

    from fog_flower.build_model import build_model  # noqa: PLC0415

    model = build_model("cnn", SPEC, TASK, seed, training.precision)
    steps = training.epochs * -(-training.images // training.batch_size)
    falling = keras.optimizers.schedules.PolynomialDecay(
        training.learning_rate, steps, end_learning_rate=0.0
    )
    model.compile(
        optimizer=keras.optimizers.SGD(falling),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model


def _train(
    model: Any,
    inputs: npt.NDArray[np.float32],
    labels: Labels,
    training: Training,
    trained: Callable[[int, float], None] | None,
) -> float:
    accuracy = float("nan")
    for epoch in range(training.epochs):
        history = model.fit(inputs, labels, batch_size=training.batch_size, epochs=1, verbose=0)
        accuracy = float(history.history["accuracy"][-1])
        if trained:
            trained(epoch + 1, accuracy)
    return accuracy


def _read(model: Any, inputs: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    probabilities = model.predict(inputs, batch_size=_PREDICT_BATCH, verbose=0)
    return np.asarray(np.argmax(probabilities, axis=1), np.int64)


def _result(
    read: Sequence[tuple[Path, Labels, npt.NDArray[np.bool_]]],
    training: Training,
    *,
    training_accuracy: float,
    seed: int,
    seconds: float,
) -> Realism:
    # Slow to import, and the rest of this module does not need it.
    from scipy.stats import binomtest  # noqa: PLC0415

    digits = np.concatenate([labels for _, labels, _ in read])
    right = np.concatenate([correct for _, _, correct in read])
    share = binomtest(int(right.sum()), len(right)).proportion_ci(CONFIDENCE, method="wilson")
    per_class = [right[digits == digit] for digit in range(TASK.classes)]
    return Realism(
        accuracy=float(right.mean()),
        interval=(float(share.low), float(share.high)),
        images=len(right),
        per_class=tuple(float(part.mean()) if len(part) else float("nan") for part in per_class),
        files=tuple(
            FileScore(str(path), len(labels), float(correct.mean()))
            for path, labels, correct in read
        ),
        training_data=f"rendered-digits-{renderer_version()}-seed{seed}-train{training.images}",
        training_images=training.images,
        training_accuracy=training_accuracy,
        epochs=training.epochs,
        learning_rate=training.learning_rate,
        batch_size=training.batch_size,
        precision=training.precision,
        seed=seed,
        seconds=seconds,
    )
