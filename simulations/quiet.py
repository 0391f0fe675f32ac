"""Functions that keep log messages of libraries off the terminal; errors are still raised."""

import contextlib
import logging
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from fog_flower.loading import without_collecting


@contextlib.contextmanager
def without_native_chatter() -> Iterator[None]:
    """Discard what TensorFlow's C++ code writes to stderr; Python exceptions are still raised."""
    sys.stderr.flush()
    saved = os.dup(2)
    with Path(os.devnull).open("wb") as nowhere:
        os.dup2(nowhere.fileno(), 2)
    try:
        yield
    finally:
        sys.stderr.flush()
        os.dup2(saved, 2)
        os.close(saved)


@contextlib.contextmanager
def only_errors_of_flower() -> Iterator[None]:
    """Show only errors of Flower's log; the records of a run contain the whole log."""
    logger = logging.getLogger("flwr")
    level = logger.level
    logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        logger.setLevel(level)


def only_errors_of_matplotlib() -> None:
    """Hide messages of matplotlib, which several libraries load, about font and settings caches."""
    logging.getLogger("matplotlib").setLevel(logging.ERROR)


def load_tensorflow_quietly() -> None:
    """Import TensorFlow without the lines that its C++ code writes to stderr."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    with without_native_chatter(), without_collecting():
        import tensorflow as tf  # noqa: PLC0415

        tf.config.list_physical_devices()  # looks for GPUs, and logs warnings about them, now
