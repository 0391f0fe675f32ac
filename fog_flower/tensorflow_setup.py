"""TensorFlow's process-wide settings, in one place."""

import contextlib
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # read when TensorFlow loads

import tensorflow as tf

from fog_flower.config import AUTO, BFLOAT16, FLOAT32
from fog_flower.records.environment import processor_words
from fog_flower.variables import THREADS_VARIABLE


def configure_tensorflow(threads: int = 0) -> None:
    """Make results repeatable and keep processes from fighting over cores.

    Parameters
    ----------
    threads : int
        Of this process; 0: as many as Ray gives CPUs to it, else all. TensorFlow ignores what Ray
        sets, and two actors with all cores each are three times slower. The number changes the
        order of sums in convolutions, and with it the last bits.
    """
    told = (os.environ.get(name) for name in (THREADS_VARIABLE, "OMP_NUM_THREADS"))
    threads = threads or next((int(n) for n in told if n and n.isdigit()), 0)
    tf.config.experimental.enable_op_determinism()
    # Both raise once TensorFlow runs, in an actor's second message, say: already set by then.
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    with contextlib.suppress(RuntimeError):
        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, enable=True)


def precision_here(precision: str) -> str:
    """Return the precision that ``auto`` means on this machine; the others mean themselves."""
    if precision != AUTO:
        return precision
    gpus = tf.config.list_physical_devices("GPU")
    if gpus:
        known = tf.config.experimental.get_device_details(gpus[0])
        native = known.get("compute_capability", (0, 0)) >= (8, 0)
    else:
        words = processor_words().split()
        native = not {"avx512_bf16", "amx_bf16", "bf16"}.isdisjoint(words)
    return BFLOAT16 if native else FLOAT32
