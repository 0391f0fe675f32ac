"""Time a training step of the paper's models on this machine's GPU, or on its CPU.

``python -m simulations.benchmark.step_time`` appends its figures to ``--out``. Keras chooses the
device. With ``KERAS_BACKEND=jax`` it does not need TensorFlow, for machines whose GPU only JAX
supports. It is separate from ``fog-flower bench``, which needs everything that a run needs.
"""

import importlib
import sys
import time
from pathlib import Path
from typing import Annotated

import keras
import numpy as np
import typer

from fog_flower.config import BFLOAT16, FLOAT32
from fog_flower.errors import UserError
from fog_flower.records.environment import hardware
from simulations.benchmark.bare_keras import compiled_model
from simulations.benchmark.cases import BATCH_SIZE, SPEC, TASK
from simulations.benchmark.ledger import append_row


def main(
    out: Annotated[Path, typer.Option(help="csv; rows are appended")],
    models: Annotated[str, typer.Option(help="comma-separated")] = "mlp,cnn",
    batches: Annotated[int, typer.Option(min=1, help="of an epoch")] = 730,
    epochs: Annotated[int, typer.Option(min=1, help="timed; one more warms up")] = 5,
) -> None:
    """Time epochs of ``fit`` in both precisions."""
    out.parent.mkdir(parents=True, exist_ok=True)
    where = device()
    for model in models.split(","):
        for precision in (FLOAT32, BFLOAT16):
            for epoch, seconds in enumerate(epoch_seconds(model, precision, batches, epochs)):
                row = {
                    "measured": time.strftime("%Y-%m-%dT%H:%M:%S"),
                    "backend": keras.backend.backend(),
                    "device": where,
                    "keras": keras.__version__,
                    "model": model,
                    "precision": precision,
                    "epoch": epoch,
                    "batches": batches,
                    "milliseconds": round(1000 * seconds / batches, 4),
                }
                typer.echo("  ".join(map(str, row.values())))
                append_row(out, row)


def epoch_seconds(model: str, precision: str, batches: int, epochs: int) -> list[float]:
    """Return the seconds of each epoch of ``fit`` on random images, after one warm-up epoch.

    The content of the images does not affect the time of a step.
    """
    count = batches * BATCH_SIZE
    rng = np.random.default_rng(0)
    images = rng.standard_normal((count, *SPEC.shape), dtype=np.float32)
    labels = rng.integers(0, TASK.classes, count)
    trained = compiled_model(model, precision)
    found = []
    for _ in range(epochs + 1):
        began = time.perf_counter()
        trained.fit(images, labels, batch_size=BATCH_SIZE, verbose=0)
        found.append(time.perf_counter() - began)
    return found[1:]


def device() -> str:
    """Return the name of the device that Keras uses.

    Raises
    ------
    UserError
        If the backend is neither TensorFlow nor JAX.
    """
    backend = keras.backend.backend()
    if backend == "jax":
        first = importlib.import_module("jax").devices()[0]  # not a requirement of ours
        return str(first.device_kind if first.platform != "cpu" else hardware()["processor"])
    if backend == "tensorflow":
        import tensorflow as tf  # noqa: PLC0415  (optional: JAX is enough)

        gpus = tf.config.list_physical_devices("GPU")
        details = tf.config.experimental.get_device_details(gpus[0]) if gpus else {}
        return str(details.get("device_name", hardware()["processor"]))
    raise UserError(f"KERAS_BACKEND={backend}: must be tensorflow or jax")


if __name__ == "__main__":
    try:
        typer.run(main)
    except UserError as error:
        sys.exit(str(error))
