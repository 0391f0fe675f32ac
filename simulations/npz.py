"""A user's own arrays, in an ``.npz`` with Keras' names, read without pickle."""

import zipfile
from pathlib import Path

import numpy as np

from fog_flower.data.images import Dataset, LabelledImages, describe_problem, fingerprint
from fog_flower.errors import UserError

NAMES = ("x_train", "y_train", "x_test", "y_test")


def load_npz(path: Path) -> Dataset:
    """Load ``x_train, x_test`` uint8 [n, 32, 32, 3] and ``y_train, y_test`` integers [n], 0 to 9.

    Raises
    ------
    UserError
        If the file is missing or damaged, holds Python objects (which would need pickle, and
        unpickling runs code), or its arrays do not fit.
    """
    key = f"dataset='npz:{path}'"
    if path.exists() and not zipfile.is_zipfile(path):
        raise UserError(f"{key}: is no .npz file, or a truncated one; write it with np.savez")
    try:
        with np.load(path, allow_pickle=False) as content:
            absent = [name for name in NAMES if name not in content]
            if absent:
                raise UserError(
                    f"{key}: lacks {', '.join(absent)}; it has {', '.join(content) or 'nothing'}. "
                    f"Save it with np.savez(path, {', '.join(f'{name}=...' for name in NAMES)})"
                )
            arrays = {name: content[name] for name in NAMES}
    except FileNotFoundError as error:
        raise UserError(f"{key}: there is no such file") from error
    except UserError:
        raise
    except (ValueError, OSError, EOFError, zipfile.BadZipFile, AttributeError, TypeError) as error:
        hint = "save plain arrays" if "pickle" in str(error) else "write it again with np.savez"
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{key}: cannot be read without pickle ({reason}); {hint}") from error
    parts = [_part(key, arrays, which) for which in ("train", "test")]
    return Dataset(f"npz:{path.name}", fingerprint(*parts), *parts)


def _part(key: str, arrays: dict[str, np.ndarray], which: str) -> LabelledImages:
    images, labels = arrays[f"x_{which}"], arrays[f"y_{which}"]
    if labels.dtype.kind in "iu":
        labels = labels.reshape(-1).astype(np.int64)  # Keras ships CIFAR's labels as uint8 [n, 1]
    problem = describe_problem(images, labels)
    if problem:
        raise UserError(f"{key}: x_{which}, y_{which}: {problem}")
    return LabelledImages(images, labels)
