"""TensorFlow's process-wide settings, in one place."""

import contextlib
import os
from collections.abc import Iterator

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")  # read when TensorFlow loads

from fog_flower.loading import without_collecting

with without_collecting():
    import keras
    import tensorflow as tf

from fog_flower.config import AUTO, BFLOAT16, FLOAT32
from fog_flower.errors import UserError
from fog_flower.processor import processor_words
from fog_flower.variables import THREADS_VARIABLE

# Keras' global settings, whatever keras.json says, because records do not contain them.
BACKEND = "tensorflow"
KERAS_SETTINGS = {"floatx": "float32", "epsilon": 1e-7, "image_data_format": "channels_last"}


def configure_tensorflow(threads: int = 0) -> None:
    """Make results reproducible, and keep processes from competing for cores.

    Parameters
    ----------
    threads : int
        Of this process; 0: as ``FOG_FLOWER_THREADS`` says, else as many as the CPUs that Ray gives
        it (``OMP_NUM_THREADS``), else all. TensorFlow ignores what Ray sets, and two actors with
        all cores each are three times slower. The number changes the order of sums in
        convolutions, and so their rounding.
    """
    set_keras()
    told = (os.environ.get(name) for name in (THREADS_VARIABLE, "OMP_NUM_THREADS"))
    threads = threads or next((int(n) for n in told if n and n.isdigit()), 0)
    tf.config.experimental.enable_op_determinism()
    # Both raise once TensorFlow runs, e.g. in an actor's second message. They are set by then.
    with contextlib.suppress(RuntimeError):
        tf.config.threading.set_intra_op_parallelism_threads(threads)
        tf.config.threading.set_inter_op_parallelism_threads(threads)
    with contextlib.suppress(RuntimeError):
        for gpu in tf.config.list_physical_devices("GPU"):
            tf.config.experimental.set_memory_growth(gpu, enable=True)


def precision_here(precision: str) -> str:
    """Return the precision that ``auto`` means on this machine; others are returned unchanged."""
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


def set_keras() -> None:
    """Set Keras to the settings of every run.

    Raises
    ------
    UserError
        If Keras was loaded with a backend other than TensorFlow before fog-flower.
    """
    backend = keras.config.backend()
    if backend != BACKEND:
        raise UserError(
            f"KERAS_BACKEND: Keras was loaded with the backend {backend!r} before fog-flower was, "
            "which needs TensorFlow; set KERAS_BACKEND=tensorflow, or import fog_flower first"
        )
    for setting, value in KERAS_SETTINGS.items():
        getattr(keras.config, f"set_{setting}")(value)
    keras.config.set_dtype_policy(FLOAT32)


@contextlib.contextmanager
def own_keras_settings(precision: str, name: str) -> Iterator[None]:
    """Set Keras to our settings and a precision inside the block; reset the precision after it.

    Raises
    ------
    UserError
        If the model's code has changed a setting. ``name`` is the model's, for the message.
    """
    set_keras()
    policy = "mixed_bfloat16" if precision == BFLOAT16 else FLOAT32
    keras.config.set_dtype_policy(policy)
    try:
        yield
        for setting, value in KERAS_SETTINGS.items():
            now = getattr(keras.config, setting)()
            if now != value:
                raise UserError(
                    f"{name}: its code sets Keras' {setting} to {now!r} for everybody; leave that "
                    "out, and give the layers that need it a dtype or data_format of their own"
                )
        if keras.config.dtype_policy().name != policy:
            raise UserError(
                f"{name}: its code sets Keras' dtype policy to "
                f"{keras.config.dtype_policy().name!r} for everybody; leave that out, and use the "
                "key precision"
            )
    finally:
        set_keras()
