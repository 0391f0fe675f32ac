"""Loads a user's own arrays from an ``.npz`` file with Keras' names, without pickle."""

import zipfile
from pathlib import Path

import numpy as np

from fog_flower.data.dataset import Dataset
from fog_flower.data.from_arrays import AUTO, NAMES, from_arrays
from fog_flower.data.request import Request
from fog_flower.errors import UserError


def npz(request: Request, *, kind: str = AUTO) -> Dataset:
    """Load ``x_train, y_train, x_test, y_test`` of any shape and number of classes.

    Use ``dataset=npz:/absolute/path.npz``. Keras' own ``mnist.npz`` can be loaded unchanged. The
    kind of the inputs is guessed from their dtype and shape, unless ``kind`` (``images``, ``rows``
    or ``tokens``) is given; see ``from_arrays``.

    Raises
    ------
    UserError
        If the file is missing or damaged, holds Python objects (which would need pickle, and
        unpickling runs code), or its arrays do not fit.
    """
    path = Path(request.argument).expanduser()
    key = f"dataset='npz:{request.argument}'"
    if not request.argument:
        raise UserError("dataset='npz:': name a file, e.g. npz:my-data.npz")
    if not path.is_absolute():
        raise UserError(f"{key}: the path must be absolute")
    return from_arrays(f"npz:{path.name}", _read(path, key), key, kind=kind)


def _read(path: Path, key: str) -> dict[str, np.ndarray]:
    if path.exists() and not zipfile.is_zipfile(path):
        raise UserError(f"{key}: is not an .npz file, or truncated; write it with np.savez")
    try:
        with np.load(path, allow_pickle=False) as content:
            absent = [name for name in NAMES if name not in content]
            if absent:
                raise UserError(
                    f"{key}: lacks {', '.join(absent)}; it has {', '.join(content) or 'nothing'}. "
                    f"Save it with np.savez(path, {', '.join(f'{name}=...' for name in NAMES)})"
                )
            return {name: content[name] for name in NAMES}
    except FileNotFoundError as error:
        raise UserError(f"{key}: there is no such file") from error
    except UserError:
        raise
    except (
        *(ValueError, OSError, EOFError, AttributeError, TypeError, MemoryError, KeyError),
        *(zipfile.BadZipFile, NotImplementedError, RuntimeError),
    ) as error:
        hint = "save plain arrays" if "pickle" in str(error) else "write it again with np.savez"
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise UserError(f"{key}: cannot be read without pickle ({reason}); {hint}") from error
