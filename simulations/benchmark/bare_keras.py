"""The bare Keras loop: ``fit`` on arrays in memory, without federation, on all cores."""

import functools
import time
from typing import TYPE_CHECKING

from simulations.benchmark.cases import (
    BATCH_SIZE,
    LEARNING_RATE,
    SPEC,
    TASK,
    Case,
    training_arrays,
)
from simulations.quiet import load_tensorflow_quietly

if TYPE_CHECKING:
    import keras


def epoch_seconds(case: Case) -> float:
    """Return the seconds of one epoch; the first call in a process runs a warm-up epoch before."""
    images, labels = _data(case.images)
    model = _model(case.model, case.precision, case.images)
    began = time.perf_counter()
    model.fit(images, labels, batch_size=BATCH_SIZE, verbose=0)
    return time.perf_counter() - began


_data = functools.lru_cache(maxsize=2)(training_arrays)


@functools.lru_cache(maxsize=2)
def _model(name: str, precision: str, count: int) -> "keras.Model":
    load_tensorflow_quietly()
    model = compiled_model(name, precision)
    model.fit(*_data(count), batch_size=BATCH_SIZE, verbose=0)
    return model


def compiled_model(name: str, precision: str) -> "keras.Model":
    """Return a built-in model, compiled with the paper's optimizer and loss."""
    import keras  # noqa: PLC0415

    from fog_flower.build_model import build_model  # noqa: PLC0415

    model = build_model(name, SPEC, TASK, 0, precision)
    model.compile(
        optimizer=keras.optimizers.SGD(LEARNING_RATE),
        loss="sparse_categorical_crossentropy",
        metrics=["accuracy"],
    )
    return model
