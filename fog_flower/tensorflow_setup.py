"""TensorFlow's process-wide settings, in one place."""

import contextlib
import os

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # read when TensorFlow loads

import tensorflow as tf

from fog_flower.tensorflow_threads import allowed_threads


def configure_tensorflow(threads: int = 0) -> None:
    """Make results repeatable and keep processes from fighting over cores.

    Parameters
    ----------
    threads : int
        Threads of this process; 0 leaves all cores to it that it may have. TensorFlow ignores the
        ``OMP_NUM_THREADS`` that Ray sets, and two actors with all cores each are three times
        slower. The number of threads changes the order of sums in convolutions, and with it the
        last bits, so fog nodes use a configured number, whatever the machine.
    """
    threads = threads or allowed_threads()
    tf.config.experimental.enable_op_determinism()
    # Both raise once TensorFlow runs, in an actor's second message, say: already set by then.
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    with contextlib.suppress(RuntimeError):
        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, enable=True)
